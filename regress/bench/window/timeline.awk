# See LICENSE for the terms.
# The timeline of one call, from that of the emulator: how busy each direction
# was, and when it was not.  Set: call, its number; bits, the line's rate; step,
# seconds a row (0: a twentieth of the call).
{
	if ($2 < last)
		n++
	if (n == 0)
		n = 1
	last = $2
	if (n != call)
		next
	rows++
	ms[rows] = $2
	up[rows] = $3
	down[rows] = $4
}

# The time when so many bytes had crossed.
function crossed(way, bytes,	i) {
	for (i = 1; i <= rows; i++)
		if ((way == "up" ? up[i] : down[i]) >= bytes)
			return ms[i] / 1000
	return ms[rows] / 1000
}

function share(bytes, time) {
	return time > 0 ? 100 * bytes * 10000 / bits / time : 0
}

END {
	if (rows < 2)
		exit
	if (step == 0)
		step = ms[rows] / 20000
	printf "# call %d: %.2f s on the line; %d bytes out, %d in\n", call,
	    ms[rows] / 1000, up[rows], down[rows]
	printf "# half of the bytes after %.1f s out, %.1f s in; the last " \
	    "but 500 after %.1f s out, %.1f s in\n",
	    crossed("up", up[rows] / 2), crossed("down", down[rows] / 2),
	    crossed("up", up[rows] - 500), crossed("down", down[rows] - 500)
	print "#   seconds      out busy        in busy"
	from = 1
	for (i = 2; i <= rows; i++) {
		if (ms[i] - ms[from] < step * 1000 && i < rows)
			continue
		printf "# %5.1f-%5.1f %7d %4d%% %7d %4d%%\n", ms[from] / 1000,
		    ms[i] / 1000, up[i] - up[from],
		    share(up[i] - up[from], ms[i] - ms[from]),
		    down[i] - down[from],
		    share(down[i] - down[from], ms[i] - ms[from])
		from = i
	}
}
