// Where things stand: ranks from top to bottom, columns from left to right, arrows along tracks and lanes.
// Which rank, column, lane and track is in the data; here they get sizes, which change as blocks open and close.

const GAP = 16, LANE = 6, TRACK = 8, CORNER = 5, HEAD = 5, INNER = 12
const SVG = "http://www.w3.org/2000/svg"
const pen = document.createElement("canvas").getContext("2d")
pen.font = "11px Arial, Helvetica, sans-serif"

/** Place everything in an opened region and in those open inside it; its size. */
function layOut(view) {
  const {region, items} = view
  for (const it of items) {
    if (it.view) {
      const inner = layOut(it.view)
      const head = it.head.offsetHeight
      it.width = Math.max(inner.width + 2 * INNER, it.head.scrollWidth + 2)
      it.height = head + inner.height + INNER
      put(it.view.element, (it.width - inner.width) / 2, head, inner.width, inner.height)
    } else if (!it.height) {
      it.width = it.element.offsetWidth
      it.height = it.element.offsetHeight
    }
  }
  const rows = ranksOf(view), columns = columnsOf(view)
  for (const it of items) {
    const [rank, column] = it.data.at
    it.x = columns.middle[column]
    it.y = rows.top[rank] + (rows.height[rank] - it.height) / 2
    put(it.element, it.x - it.width / 2, it.y, it.view ? it.width : 0, it.view ? it.height : 0)
  }
  drawArrows(view, rows, columns)
  return {width: columns.width, height: rows.total}
}

function put(element, left, top, width, height) {
  element.style.left = `${left}px`
  element.style.top = `${top}px`
  if (width) {
    element.style.width = `${width}px`
    element.style.height = `${height}px`
  }
}

/** Tops and heights of the ranks, and where the tracks of the channel below each begin. */
function ranksOf({region, items}) {
  const height = region.tracks.map(() => 0)
  for (const it of items) height[it.data.at[0]] = Math.max(height[it.data.at[0]], it.height)
  const said = region.tracks.map(() => false)
  for (const arrow of region.arrows) if (label(arrow)) said[region.items[arrow[0]].at[0]] = true
  const top = [], tracks = []
  let y = 4
  for (let rank = 0; rank < height.length; rank++) {
    top.push(y)
    tracks.push(y + height[rank] + (said[rank] ? 16 : 8))
    y = tracks[rank] + TRACK * Math.max(0, region.tracks[rank] - 1) + 12
  }
  return {top, height, tracks, total: top[top.length - 1] + height[height.length - 1] + 4}
}

/** The middle of each column: as wide as its widest box, with room for what its arrows say. */
function columnsOf({region, items}) {
  const left = {}, right = {}
  const need = (column, before, after) => {
    left[column] = Math.max(left[column] || 0, before)
    right[column] = Math.max(right[column] || 0, after)
  }
  for (const it of items) need(it.data.at[1], it.width / 2, it.width / 2)
  for (const arrow of region.arrows) {
    if (arrow[5] !== null) need(arrow[5], LANE, LANE)
    const text = label(arrow)
    if (text && arrow[5] === null) need(region.items[arrow[0]].at[1], 0, pen.measureText(text).width + 12)
  }
  const middle = {}
  let x = 4
  for (const column of Object.keys(left).map(Number).sort((a, b) => a - b)) {
    middle[column] = x + left[column]
    x = middle[column] + right[column] + (left[column] > LANE ? GAP : 2)
  }
  return {middle, width: x - GAP + 12}
}

/** What an arrow says: a shape where it changes, "crop" and the like. */
function label([, , type, note]) {
  return [note, type >= 0 ? shapeText(type) : ""].filter(Boolean).join("  ")
}

/** How far from its middle each arrow enters a box: those from the left on the left, a straight one in the middle. */
function entries({region, items}, columns) {
  const into = items.map(() => [])
  region.arrows.forEach((arrow, number) => into[arrow[1]].push(number))
  const shift = region.arrows.map(() => 0)
  into.forEach((numbers, target) => {
    const round = region.items[target].kind === "symbol"
    if (numbers.length < 2 || round) return
    const from = number => {
      const arrow = region.arrows[number]
      return columns.middle[arrow[5] === null ? region.items[arrow[0]].at[1] : arrow[5]]
    }
    const step = Math.min(14, items[target].width / (numbers.length + 1))
    const sorted = [...numbers].sort((a, b) => from(a) - from(b) || a - b)
    const straight = sorted.findIndex(number => from(number) === items[target].x)
    const centre = straight >= 0 ? straight : (sorted.length - 1) / 2
    const most = items[target].width / 2 - 4
    sorted.forEach((number, i) => { shift[number] = Math.max(-most, Math.min(most, (i - centre) * step)) })
  })
  return shift
}

function drawArrows(view, rows, columns) {
  const {region, items, arrows} = view
  arrows.replaceChildren()
  const shift = entries(view, columns)
  region.arrows.forEach((arrow, number) => {
    const [from, to, , , skip, lane, leave, enter] = arrow
    const source = items[from], target = items[to]
    const at = (rank, track) => rows.tracks[rank] + TRACK * track
    const rank = source.data.at[0], end = target.x + shift[number]
    const points = [[source.x, source.y + source.height], [source.x, at(rank, leave)]]
    if (lane === null) points.push([end, at(rank, leave)])
    else {
      const x = columns.middle[lane], low = at(target.data.at[0] - 1, enter)
      points.push([x, at(rank, leave)], [x, low], [end, low])
    }
    points.push([end, target.y])
    const line = document.createElementNS(SVG, "path")
    line.setAttribute("d", rounded(points, HEAD))
    line.setAttribute("class", skip ? "arrow skip" : "arrow")
    line.dataset.from = from
    line.dataset.to = to
    const head = document.createElementNS(SVG, "path")
    head.setAttribute("d", `M${end - 3.5},${target.y - HEAD - 1}h7l-3.5,${HEAD + 1}z`)
    head.setAttribute("class", skip ? "head skip" : "head")
    arrows.append(line, head)
    const words = label(arrow)
    if (words) {
      const text = document.createElementNS(SVG, "text")
      const [x, y, anchor] = spot(points, lane !== null && lane !== source.data.at[1])
      text.setAttribute("x", x)
      text.setAttribute("y", y)
      text.setAttribute("text-anchor", anchor)
      text.textContent = words
      arrows.append(text)
    }
  })
}

/** Where an arrow's words stand: beside its start, or, where that has words of its own, above its way out of a lane. */
function spot(points, led) {
  if (!led) return [points[0][0] + 5, points[0][1] + 12, "start"]
  const [lane, low, end] = [points[2][0], points[3][1], points[4][0]]
  return lane > end ? [lane - 6, low - 4, "end"] : [lane + 6, low - 4, "start"]
}

/** A line through points with rounded corners, ending short of the last one by the length of an arrow head. */
function rounded(points, short) {
  const way = points.filter((p, i) => !i || p[0] !== points[i - 1][0] || p[1] !== points[i - 1][1])
  const straight = way.filter((p, i) => {
    const a = way[i - 1], b = way[i + 1]
    return !a || !b || !((a[0] === p[0] && p[0] === b[0]) || (a[1] === p[1] && p[1] === b[1]))
  })
  let d = `M${straight[0][0]},${straight[0][1]}`
  for (let i = 1; i < straight.length - 1; i++) {
    const [before, here, after] = [straight[i - 1], straight[i], straight[i + 1]]
    const near = other => {
      const distance = Math.abs(other[0] - here[0]) + Math.abs(other[1] - here[1])
      const share = Math.min(CORNER, distance / 2) / distance
      return [here[0] + (other[0] - here[0]) * share, here[1] + (other[1] - here[1]) * share]
    }
    d += `L${near(before)}Q${here} ${near(after)}`
  }
  const last = straight[straight.length - 1]
  return `${d}L${last[0]},${last[1] - short}`
}
