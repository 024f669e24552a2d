"""Small programs, each for something that generated code must get right."""

PROGRAMS = {
    "chain": """
model net { input x: [B, 8]
  linear(16) -> relu -> linear(4) as head }
""",
    "residual_loop": """
block ffn(h) { D = id.shape[-1]
  linear(h) as fc1 -> relu -> linear(D) as fc2 }
model net { input x: [B, T=5, 8]
  repeat 3 { id + (layer_norm as norm -> ffn(16)) } as layers
  linear(4) as head }
""",
    "rounds_of_one_module": """
model net { input x: [B, 8]
  repeat 3 { linear(8) -> relu } as layers
  repeat 2 { id + linear(8) } }
""",
    "first_round_differs": """
model net { input x: [B, 4]
  for c in [8, 8, 8, 16] { linear(c) -> relu } as layers }
""",
    "two_carried": """
block mix(a: tensor, b: tensor) { u = a -> linear(8) as left
  v = b -> linear(8) as right
  [v, u] }
model net { input x: [B, 8]
  a = x
  b = x -> linear(8) as start
  repeat 3 { c = a -> linear(8) as p
             d = b + a -> linear(8) as q
             a = d
             b = c } as rounds
  a + b }
""",
    "only_a_size_is_handed": """
block enlarge(h, w) { interpolate(size=[h, w], mode="bilinear") }
model net { input x: [B, 3, H=16, W=12]
  conv(4, 3, 2) -> enlarge(H, W) }
""",
    "taps": """
model net { input x: [B, 3, H=16, W=16]
  taps = []
  for i in range(3) { conv(4 * 2 ** i) -> relu
                      taps = taps + [id]
                      max_pool(2) } as enc
  global_avg_pool
  id + (taps[2] -> global_avg_pool) }
""",
    "shared_layer": """
model net { input x: [B, 8]
  layer f = linear(8) -> relu
  f -> f
  repeat 4 { f } }
""",
    "shared_block_in_loop": """
block ffn(h) { D = id.shape[-1]
  linear(h) as fc1 -> relu -> linear(D) as fc2 }
model net { input x: [B, 8]
  layer f = ffn(16)
  repeat 4 { id + f } }
""",
    "captured_layer": """
model net { input x: [B, 8]
  layer f = linear(8)
  repeat 3 { id + (f -> linear(8) as own -> f) } as layers }
""",
    "captured_block_layer": """
block ffn(h) { D = id.shape[-1]
  linear(h) as fc1 -> relu -> linear(D) as fc2 }
model net { input x: [B, 8]
  layer f = ffn(12)
  repeat 3 { y = f
             y + (linear(8) as own) -> layer_norm } as layers }
""",
    "tied": """
model net { input tokens: int[B, T=6]
  layer tok = embedding(50, 8)
  tok -> repeat 2 { id + linear(8) } as layers
  output logits = id @ tok.weight.T }
""",
    "tied_inside": """
model net { input tokens: int[B, T=6]
  layer tok = embedding(50, 8)
  tok
  repeat 2 { y = id @ tok.weight.T
             y -> softmax -> linear(8) as back } as layers }
""",
    "raw_tensors": """
model net { input x: [B, 8]
  param gamma: [8] = 0.5
  param delta: [] = trunc_normal(std=0.02)
  buffer shift: [8] = 1
  x * gamma + delta -> linear(8) -> id + shift }
""",
    "raw_in_loop": """
model net { input x: [B, 8]
  repeat 3 { param g: [8] = 0.5
             id + g * (linear(8) as fc) } as layers }
""",
    "schedule": """
block unit(rate) { id + (linear(8) as fc -> drop_path(rate)) }
model net { input x: [B, 8]
  for i in range(4) { unit(0.1 * i) } as blocks }
""",
    "schedule_inline": """
model net { input x: [B, 8]
  for i in range(4) { linear(8) -> dropout(0.1 * i) } as blocks }
""",
    "initialised": """
model net { input x: [B, 8]
  repeat 3 { linear(8, weight_init=trunc_normal(std=0.02), bias_init=0.5) } as layers
  linear(4, weight_init=kaiming_normal(nonlinearity="relu")) as head }
""",
    "training_output": """
model net { input x: [B, 8]
  y = linear(8) as a -> relu
  if training { output aux = y -> linear(3) as aux_head }
  y -> linear(4) as head }
""",
    "training_inside": """
block noisy { if training { id * 2.0 } else { id } }
model net { input x: [B, 8]
  linear(8) -> noisy -> linear(4) }
""",
    "training_block_with_weights": """
block odd { y = linear(8) as both
  if training { y -> linear(8) as extra } else { y -> relu } }
model net { input x: [B, 8]
  odd as place -> linear(4) }
""",
    "several_outputs": """
model net { input x: [B, 8]
  output a = linear(3) as first
  output b = x -> linear(4) as second }
""",
    "several_inputs": """
model net { input left: [B, 8]
  input right: [B, 4]
  a = left -> linear(6) as one
  b = right -> linear(6) as two
  a * b -> linear(2) }
""",
    "lists": """
model net { input x: [B, 12]
  a, b, c = chunk(3, dim=1)
  xs = [f -> linear(4) for f in [a, b, c]]
  cat(xs, dim=1) -> linear(2) }
""",
    "unused_part": """
model net { input x: [B, 12]
  a, b = split([4, 8], dim=1)
  b -> linear(2) }
""",
    "groups": """
model net { input x: [B, 3, H=8, W=8]
  (conv(4) -> batch_norm -> relu) as stem
  (conv(4) as inner -> relu -> conv(4) as outer) as body
  global_avg_pool -> linear(2) }
""",
    "comprehension_of_pipes": """
model net { input x: [B, 3, H=8, W=8]
  levels = [x, x -> max_pool(2)]
  ys = [f -> conv(4) -> batch_norm for f in levels]
  zs = [y -> global_avg_pool for y in ys]
  zs[0] + zs[1] }
""",
    "head_shared_by_levels": """
model net { input x: [B, 3, H=16, W=16]
  layer head = conv(4) -> relu -> conv(2)
  levels = [x, x -> max_pool(2), x -> max_pool(4)]
  ys = [f -> head -> global_avg_pool for f in levels]
  ys[0] + ys[1] + ys[2] }
""",
    "sizes": """
model net { input x: [B, T=6, 8]
  x + sinusoidal(T, 8) -> linear(8)
  y = arange(T) -> cast(float32) -> unsqueeze(-1)
  id * y -> linear(3) }
""",
    "sizes_handed_down": """
block positions(n) { linear(8) as mix -> id + sinusoidal(n, 8) }
model net { input x: [B, T=6, 8]
  input y: [S=4, 8]
  x -> positions(T) -> sum(dim=1) -> id @ y.T }
""",
    "attention": """
model net { input x: [B, T=7, 16]
  repeat 2 { id + (layer_norm as norm -> mha(4, mask=causal)) } as layers
  rms_norm -> linear(5) }
""",
    "scan": """
block step(c) { x, h = id
  y = cat([x, h], dim=1) -> linear(c) as cell -> tanh
  [y, y + 0] }
model net { input x: [B, T=5, 4]
  y, h = x -> scan(step(6), state=(zeros([B, 6])))
  y -> linear(2) as head }
""",
    "until": """
block step { linear(8) as fc -> tanh }
model net { input x: [B, 8]
  layer f = step
  halt = sum(x * 0.0, dim=1)
  repeat 5 until all(halt >= 2.0) { where(unsqueeze(halt, 1) >= 2.0, id, f)
    halt = halt + 1.0 } }
""",
    "frozen": """
model net { input x: [B, 8]
  frozen(linear(8) as fixed) -> relu -> linear(4) }
""",
    "python_words": """
model net { input input: [B, 8]
  list = linear(8) as len
  str = list -> relu -> linear(8) as range
  str + list -> linear(2) as torch_ }
""",
    "nested_loops": """
model net { input x: [B, 8]
  for i in range(2) { repeat 3 { id + linear(8) } as inner
                      layer_norm as norm } as outer }
""",
    "norms_and_bools": """
model net { input x: [B, 3, H=8, W=8]
  conv(4, bias=false) as a -> batch_norm -> relu -> conv(4, stride=2) as b -> group_norm(2)
  flatten(2) -> mean(dim=2, keep=true) -> squeeze(2) }
""",
    "keyword_paths": """
model net { input x: [B, 8]
  a = [x -> linear(8) for i in [1, 2]]
  for i in range(2) { id + a[0] + a[1] -> linear(8) } }
""",
}
