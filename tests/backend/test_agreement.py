"""Generated modules against the oracle that runs the network node by node."""

from __future__ import annotations

import pytest
import torch

from archdsl.backend.errors import BackendError
from archdsl.backend.inputs import sample_inputs
from archdsl.backend.module import emitted, module
from archdsl.backend.promises import promised_weights
from tests.backend.oracle import Oracle
from tests.backend.programs import PROGRAMS
from tests.backend.support import network, tensors

NOISE = ("dropout", "drop_path", "mha")
every_program = pytest.mark.parametrize("name", PROGRAMS)


@every_program
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_outputs_are_those_of_the_oracle(name: str, training: bool) -> None:
    if training and any(word in PROGRAMS[name] for word in NOISE):
        pytest.skip("noise")
    made = network(PROGRAMS[name])
    net = module(made).train(training)
    inputs = sample_inputs(made, {"B": 3})
    state = {k: v.clone() for k, v in net.state_dict().items()}
    got = tensors(net(*inputs))
    want = Oracle(made, state, training)(*inputs)
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b)


@every_program
def test_weights_are_at_their_paths(name: str) -> None:
    made = network(PROGRAMS[name])
    state = module(made).state_dict()
    assert {k: tuple(v.shape) for k, v in state.items()} == promised_weights(made)


@every_program
def test_the_same_seed_gives_the_same_weights(name: str) -> None:
    made = network(PROGRAMS[name])
    before = torch.random.get_rng_state()
    one, two, other = (module(made, seed=s).state_dict() for s in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert not one or name in ("schedule",) or any(not torch.equal(one[k], other[k]) for k in one)
    assert all(bool(torch.isfinite(v).all()) for v in one.values())


@every_program
def test_gradients_reach_every_weight(name: str) -> None:
    made = network(PROGRAMS[name])
    net = module(made).train()
    sum(t.float().sum() for t in tensors(net(*sample_inputs(made, {"B": 3})))).backward()
    left = [k for k, p in net.named_parameters() if p.requires_grad and p.grad is None]
    assert left == [] or name in ("training_inside", "training_block_with_weights"), emitted(made).source


@every_program
def test_a_model_in_bfloat16_runs_in_bfloat16(name: str) -> None:
    made = network(PROGRAMS[name])
    net = module(made, dtype=torch.bfloat16).eval()
    assert {p.dtype for p in net.parameters()} <= {torch.bfloat16}
    for value in tensors(net(*sample_inputs(made, {"B": 3}, dtype=torch.bfloat16))):
        assert value.dtype == torch.bfloat16


@every_program
def test_is_traced_whole(name: str) -> None:
    made = network(PROGRAMS[name])
    net = module(made).eval()
    inputs = sample_inputs(made, {"B": 3})
    torch._dynamo.reset()
    fast = torch.compile(net, backend="eager", fullgraph=True, dynamic=False)
    with torch.no_grad():
        for a, b in zip(tensors(net(*inputs)), tensors(fast(*inputs)), strict=True):
            torch.testing.assert_close(a, b)


def test_never_a_module_that_lacks_weights() -> None:
    """Rounds that the two modes fold otherwise, each doing what the other doesn't: refused, with what to write."""
    rounds = "for i in range(4) { if i % 2 == 0 or training { linear(8) } else { linear(8, bias=false) } }"
    made = network(f"model net {{\n  input x: [B, 8]\n  {rounds}\n}}\n")
    with pytest.raises(BackendError, match="a statement each"):
        module(made)
