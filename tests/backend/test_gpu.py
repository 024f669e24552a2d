"""The same on a GPU; collected everywhere, run where there is one (``pytest -m gpu``)."""

from __future__ import annotations

import pytest
import torch

from archdsl.backend.compile import compile_module
from archdsl.backend.inputs import sample_inputs
from archdsl.backend.module import module
from archdsl.backend.verify import verify
from tests.backend.programs import PROGRAMS
from tests.backend.support import network, tensors

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")]


@pytest.mark.parametrize("name", PROGRAMS)
def test_agrees_with_the_cpu(name: str) -> None:
    made = network(PROGRAMS[name])
    here, there = module(made).eval(), module(made, device="cuda").eval()
    there.load_state_dict(here.state_dict())
    assert {p.device.type for p in there.parameters()} <= {"cuda"}
    assert {b.device.type for b in there.buffers()} <= {"cuda"}
    with torch.no_grad():
        want = tensors(here(*sample_inputs(made, {"B": 3})))
        got = tensors(there(*sample_inputs(made, {"B": 3}, device="cuda")))
    for a, b in zip(want, got, strict=True):
        torch.testing.assert_close(a, b.cpu(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", ["attention", "residual_loop", "norms_and_bools"])
def test_compiled_agrees_with_eager(name: str, dtype: torch.dtype) -> None:
    made = network(PROGRAMS[name])
    net = module(made, device="cuda", dtype=dtype)
    torch._dynamo.reset()
    done = compile_module(made, net)
    assert done.mode != "none"
    found = verify(made, net, sample_inputs(made, {"B": 4}, device="cuda", dtype=dtype), done)
    assert found.ok, str(found)


def test_the_same_seed_gives_the_same_weights() -> None:
    made = network(PROGRAMS["initialised"])
    one, two = (module(made, device="cuda", seed=3).state_dict() for _ in range(2))
    assert all(torch.equal(one[k], two[k]) for k in one)
