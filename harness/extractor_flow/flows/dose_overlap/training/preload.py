"""Imports everything a job needs, once, in a server that then forks the jobs' processes; starts no thread, no CUDA."""

import torch

# Before anything is computed: threads that torch has started do not live on in a forked child.
torch.set_num_threads(1)

import extractor_flow.flows.dose_overlap.training.job  # noqa: E402, F401

# The first optimizer pulls in seconds' worth of torch that an import does not.
torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
