"""Readers of a stranger's files: they never execute, unpickle, follow a link out, or allocate without bound.

Each reader takes a seekable binary stream and the name to show in messages, and either returns plain values or raises
:class:`extractor_flow.readers.errors.ReadError`, whose ``kind`` names what is wrong.
"""
