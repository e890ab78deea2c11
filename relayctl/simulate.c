/* See LICENSE for the terms. */
/*
 * relayctl simulate: what other configurations would have cost, and how long
 * mail would have waited.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "config.h"
#include "log.h"
#include "parse.h"
#include "paths.h"
#include "simulate.h"

/* Calls of less time than that say little about what a day brings. */
#define FETCHED_LEAST	(7 * 86400)

struct options {
	const char	*paths[SIMULATE_MAX];
	size_t		 n;
	int		 has_in;
	int		 only;		/* not that of the system */
};

static struct simulate_input	 input;
static struct options		 options;

static void
usage(FILE *f)
{
	fprintf(f, "usage: relayctl [-j] [-s socket] simulate [-n] "
	    "[-b price] [-f config] ...\n"
	    "\t[-i size] [-r rate] [-s setup] [trace]\n");
	exit(f == stdout ? 0 : 1);
}

/* --- from relayd --- */

static void
take_arrivals(uint32_t type, const void *data, size_t len, void *arg)
{
	struct proto_arrival	 a;
	const char		*p = data;

	(void)arg;
	if (type != CTL_ARRIVALS)
		return;
	for (; len >= sizeof(a); p += sizeof(a), len -= sizeof(a)) {
		memcpy(&a, p, sizeof(a));
		if (a.class > PROTO_BULK || a.time < 0 || a.deadline < 0 ||
		    a.bytes > INT32_MAX)
			continue;
		if (trace_add(&input.trace, &a) == -1)
			err(1, NULL);
	}
}

static void
take_plan(uint32_t type, const void *data, size_t len, void *arg)
{
	struct ledger_speed	*s = &input.model.speed;
	struct ctl_plan		 plan;

	(void)arg;
	if (type != CTL_PLAN || len != sizeof(plan))
		return;
	memcpy(&plan, data, sizeof(plan));
	strlcpy(input.model.line, plan.line, sizeof(input.model.line));
	s->windows = plan.measured;
	s->setup = plan.setup;
	s->answer = plan.answer;
	s->rate_out = plan.rate_out;
	s->out_bytes = UINT64_MAX;
	s->rate_in = plan.rate_in;
	s->fetch = plan.fetch;
	s->fetch_bytes = plan.fetch_bytes;
}

struct fetched {
	int64_t		 first;
	int64_t		 last;
	uint64_t	 bytes;
};

static void
take_call(uint32_t type, const void *data, size_t len, void *arg)
{
	struct fetched	*f = arg;
	struct ctl_call	 call;

	if (type != CTL_CALL_ENTRY || len != sizeof(call))
		return;
	memcpy(&call, data, sizeof(call));
	if (call.up == 0)
		return;
	/* What the first one brought is of the time before it. */
	if (f->first == 0)
		f->first = call.up;
	else
		f->bytes += call.bytes_in;
	f->last = call.up;
}

/* What is known of the line; without an answer it is as usual. */
static void
ask_speed(void)
{
	struct proto_result	 result;
	struct fetched		 f;
	uint32_t		 all = 0;

	if (client_request(CTL_SHOW_PLAN, NULL, 0, take_plan, NULL,
	    &result) == -1 || options.has_in)
		return;
	memset(&f, 0, sizeof(f));
	if (client_request(CTL_SHOW_CALLS, &all, sizeof(all), take_call, &f,
	    &result) == -1 || f.last - f.first < FETCHED_LEAST ||
	    f.bytes > UINT64_MAX / 86400)
		return;
	input.model.in_per_day = f.bytes * 86400 /
	    (uint64_t)(f.last - f.first);
}

static void
ask_arrivals(void)
{
	struct proto_result	 result;

	if (client_request(CTL_SHOW_ARRIVALS, NULL, 0, take_arrivals, NULL,
	    &result) == -1)
		errx(1, "%s (a trace can be given, see relayctl(8))",
		    client_error());
	if (input.trace.n == 0)
		errx(1, "relayd has recorded no arrivals yet");
}

/* --- from files --- */

static void
read_trace(const char *name)
{
	FILE	*f;

	input.name = name;
	if (strcmp(name, "-") == 0)
		f = stdin;
	else if ((f = fopen(name, "re")) == NULL)
		err(1, "%s", name);
	if (trace_read(&input.trace, f, name) == -1)
		exit(1);
	if (f != stdin)
		fclose(f);
	if (input.trace.n == 0)
		errx(1, "%s: there is nothing in it", name);
}

/* 1 if it can be read.  That of the system need not be there. */
static int
readable(const char *path, int needed)
{
	int	 fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) != -1) {
		close(fd);
		return (1);
	}
	if (needed)
		warn("%s", path);
	else
		warnx("%s: %s: left out", path, strerror(errno));
	if (errno == EACCES || errno == EPERM)
		warnx("it may hold passwords: give -f a copy without them, "
		    "or run this as root");
	if (needed)
		exit(1);
	return (0);
}

static struct conf *
read_conf(const char *path)
{
	struct conf	*conf;

	/* What is wrong has been said, with its line. */
	if ((conf = parse_config(path, PARSE_NOWARN)) == NULL)
		exit(1);
	if (TAILQ_EMPTY(&conf->lines))
		errx(1, "%s: no line is configured", path);
	return (conf);
}

/* The price of waiting: asked for, or of the first that has one. */
static void
find_price(struct conf *const *confs, size_t n)
{
	const struct conf_rule	*rule;
	size_t			 i;

	for (i = 0; i < n && !input.has_price; i++)
		TAILQ_FOREACH(rule, &confs[i]->rules, entry)
			if (rule->condition == DIAL_BALANCE &&
			    !input.has_price) {
				input.has_price = 1;
				input.price = rule->value;
			}
}

/* --- --- */

static void
number_option(int ch, const char *arg)
{
	struct simulate_model	*m = &input.model;

	switch (ch) {
	case 'b':
		if (trace_money(arg, &input.price) == -1)
			errx(1, "-b %s: not a price", arg);
		input.has_price = 1;
		break;
	case 'i':
		if (trace_size(arg, &m->in_per_day) == -1 ||
		    m->in_per_day > INT32_MAX)
			errx(1, "-i %s: not a size", arg);
		options.has_in = 1;
		break;
	case 'r':
		if (trace_size(arg, &m->rate) == -1 || m->rate == 0 ||
		    m->rate > INT32_MAX)
			errx(1, "-r %s: not bytes a second", arg);
		m->has_rate = 1;
		break;
	case 's':
		if (trace_duration(arg, &m->setup) == -1 || m->setup > 3600)
			errx(1, "-s %s: not a time up to an hour", arg);
		m->has_setup = 1;
		break;
	default:
		usage(stderr);
	}
}

static void
parse_options(int argc, char *const argv[])
{
	int	 ch;

	optreset = optind = 1;
	while ((ch = getopt(argc, argv, "b:f:i:nr:s:")) != -1) {
		switch (ch) {
		case 'f':
			if (options.n == SIMULATE_MAX - 1)
				errx(1, "more than %d configurations",
				    SIMULATE_MAX - 1);
			options.paths[options.n++] = optarg;
			break;
		case 'n':
			options.only = 1;
			break;
		default:
			number_option(ch, optarg);
			break;
		}
	}
}

static size_t
read_confs(struct conf **confs)
{
	size_t	 i, n = 0;

	if (options.only && options.n == 0)
		errx(1, "-n leaves no configuration: -f names one");
	/* The one in force comes first, for comparison. */
	if (!options.only && readable(CONF_FILE, options.n == 0)) {
		memmove(options.paths + 1, options.paths,
		    options.n * sizeof(options.paths[0]));
		options.paths[0] = CONF_FILE;
		options.n++;
	}
	for (i = 0; i < options.n; i++) {
		readable(options.paths[i], 1);
		confs[n++] = read_conf(options.paths[i]);
	}
	return (n);
}

int
simulate(int argc, char *const argv[], enum form form)
{
	struct simulate_result	 results[SIMULATE_MAX];
	struct conf		*confs[SIMULATE_MAX];
	size_t			 i, n;

	if (argc == 2 && (strcmp(argv[1], "help") == 0 ||
	    strcmp(argv[1], "?") == 0))
		usage(stdout);
	log_init(LOG_PLAIN, 0);
	parse_options(argc, argv);
	if (argc - optind > 1)
		usage(stderr);
	n = read_confs(confs);
	if (argc - optind == 1)
		read_trace(argv[optind]);
	else
		ask_arrivals();
	trace_sort(&input.trace);
	if (!input.model.has_rate || !input.model.has_setup)
		ask_speed();
	client_close();
	find_price(confs, n);
	for (i = 0; i < n; i++) {
		if (simulate_run(&results[i], confs[i], &input) == -1)
			err(1, "%s", options.paths[i]);
		results[i].path = options.paths[i];
		results[i].currency = confs[i]->global.currency;
	}
	if (form == FORM_JSON)
		simulate_json(&input, results, n);
	else
		simulate_text(&input, results, n);
	for (i = 0; i < n; i++)
		conf_free(confs[i]);
	trace_free(&input.trace);
	return (0);
}
