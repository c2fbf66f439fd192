# The lines of a row's table, from the "side|figure|value" lines of its rounds.
#
#   awk -F'|' -v name=ROW -v figures="CPU ns <=0.6x <=0.5x, per s >=1x" -v sides="redis ours" -v missed=FILE -f figures.awk
#
# The n-th value of one side belongs to the n-th of the other. Appends what misses its goal to the file: "row|figure|how
# far". Exit status 1: a figure has no value.

function sort(values, n,   i, j, swap) {
  for (i = 1; i <= n; ++i) for (j = i + 1; j <= n; ++j)
    if (values[j] < values[i]) { swap = values[i]; values[i] = values[j]; values[j] = swap }
}
# Of values in order.
function median(values, n) { return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2 }
function side_median(side, figure,   i, values) {
  for (i = 1; i <= count[side, figure]; ++i) values[i] = value[side, figure, i]
  sort(values, count[side, figure])
  return median(values, count[side, figure])
}
function text(x) {
  if (x == int(x) && (x == 0 || x >= 10)) return sprintf("%d", x)
  return sprintf(x >= 100 ? "%.0f" : x >= 10 ? "%.1f" : x >= 0.1 ? "%.2f" : "%.4f", x)
}

# As it is shown, so that what is shown to meet its goal does.
function rounded(ratio) { return sprintf(ratio < 0.1 ? "%.4f" : "%.2f", ratio) + 0 }

# A goal is "<=0.6x", ">=100000" and the like.
function is_for_ratio(goal) { return goal ~ /x$/ }
function meets(x, goal) { return goal ~ /^>/ ? x >= substr(goal, 3) + 0 : x <= substr(goal, 3) + 0 }

function verdict(figure, goal, far, x, low, high,   near) {
  if (goal == "") return ""
  if (far != "" && meets(x, far)) return "far goal"
  if (meets(x, goal)) return "yes"
  near = meets(goal ~ /^>/ ? high : low, goal) ? ", but within the spread" : ""
  print name "|" figure "|" text(x) (is_for_ratio(goal) ? "x" : "") ", goal " goal near >>missed
  return "**no**" near
}

function print_line(figure, goal, far,   n, i, theirs, ours, ratios, values, line, x) {
  theirs = side[1]; ours = side[2]; n = count[ours, figure]
  if (n == 0 || n != count[theirs, figure]) { print "no figure: " name ", " figure >"/dev/stderr"; failed = 1; return }
  for (i = 1; i <= n; ++i) {
    values[i] = value[ours, figure, i]
    ratios[i] = value[theirs, figure, i] > 0 ? rounded(values[i] / value[theirs, figure, i]) : 0
  }
  sort(values, n); sort(ratios, n)
  line = "| " (figure == first ? name : "") " | " figure
  for (i = 1; i <= sides_count; ++i) line = line " | " (count[side[i], figure] ? text(side_median(side[i], figure)) : "")
  x = verdict(figure, goal, far, is_for_ratio(goal) ? median(ratios, n) : median(values, n),
              is_for_ratio(goal) ? ratios[1] : values[1], is_for_ratio(goal) ? ratios[n] : values[n])
  print line " | " text(median(ratios, n)) " | " text(ratios[1]) ", " text(ratios[n]) " | " goal (far != "" ? ", far " far : "") " | " x " |"
}

{ value[$1, $2, ++count[$1, $2]] = $3 }

END {
  sides_count = split(sides, side, " ")
  figure_count = split(figures, figure, / *, */)
  for (f = 1; f <= figure_count; ++f) {
    n = split(figure[f], word, " "); goal = far = ""
    if (word[n] ~ /^[<>]=/) goal = word[n--]
    if (word[n] ~ /^[<>]=/) { far = goal; goal = word[n--] }
    title = word[1]
    for (i = 2; i <= n; ++i) title = title " " word[i]
    if (f == 1) first = title
    print_line(title, goal, far)
  }
  exit failed
}
