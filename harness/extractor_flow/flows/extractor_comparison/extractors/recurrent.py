"""An LSTM that reads groups of rays, or patches of an image, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from torch import Tensor, nn

from extractor_flow.flows.extractor_comparison.extractors.base import BranchedExtractor, Branching, Encoder, Tokens

if TYPE_CHECKING:
    from gymnasium import spaces

    from extractor_flow.flows.extractor_comparison.extractors.observation import Part


class LstmExtractor(BranchedExtractor):
    """The last hidden state (of both directions, if there are two), and a perceptron for the vectors.

    It recurs over the places of one observation, not over time: nothing is remembered between two steps.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        *,
        hidden_size: int = 64,
        num_layers: int = 1,
        bidirectional: bool = False,
        lstm_dropout: float = 0.0,
        max_tokens: int = 17,
        **branching: Unpack[Branching],
    ) -> None:
        def encoder(part: Part) -> Encoder:
            tokens = Tokens(part, max_tokens)
            return _LstmEncoder(
                tokens,
                nn.LSTM(
                    tokens.width,
                    hidden_size,
                    num_layers,
                    batch_first=True,
                    dropout=lstm_dropout,
                    bidirectional=bidirectional,
                ),
            )

        super().__init__(observation_space, encoder, **branching)


class _LstmEncoder(Encoder):
    def __init__(self, tokens: Tokens, lstm: nn.LSTM) -> None:
        directions = 2 if lstm.bidirectional else 1
        super().__init__(lstm.hidden_size * directions)
        self.tokens = tokens
        self.lstm = lstm
        self._directions = directions

    def forward(self, values: Tensor) -> Tensor:
        _, (hidden, _) = self.lstm(self.tokens(values))
        encoded: Tensor = hidden[-self._directions :].transpose(0, 1).flatten(1)
        return encoded
