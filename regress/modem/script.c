/* See LICENSE for the terms. */
/* What the emulated modem, its line and its numbers do. */

#include <sys/types.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forward.h"
#include "script.h"

static const struct action kinds[] = {
	{ .name = "connect", .connect = 1 },
	{ .name = "busy", .text = "BUSY" },
	{ .name = "no-carrier", .text = "NO CARRIER" },
	{ .name = "no-answer", .text = "NO ANSWER" },
	{ .name = "no-dialtone", .text = "NO DIALTONE" },
	{ .name = "voice", .text = "VOICE" },
	{ .name = "blacklisted", .text = "BLACKLISTED" },
	{ .name = "delayed", .text = "DELAYED" },
	{ .name = "error", .text = "ERROR" },
	{ .name = "collision", .text = "RING\r\n\r\nNO CARRIER" },
	{ .name = "garbage", .text = "\x80\x91#&}~ NO%CAR\xfe" },
	{ .name = "silence", .silence = 1 },
};

static struct action *
parse_action(const char *path, char *text)
{
	struct action	*a;
	char		*word;
	size_t		 i;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		err(1, NULL);
	while (*text == ' ')
		text++;
	word = strsep(&text, " ");
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, word) == 0)
			break;
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		errx(1, "%s: unknown action %s", path, word);
	*a = kinds[i];
	if (text != NULL && strcmp(word, "delayed") == 0) {
		if (asprintf(&word, "DELAYED %s", text) == -1)
			err(1, NULL);
		a->text = word;
	} else if (text != NULL) {
		word = strsep(&text, " ");
		if (text != NULL && strcmp(word, "drop-bytes") == 0)
			a->drop_bytes = strtoull(text, NULL, 10);
		else if (text != NULL && strcmp(word, "drop-seconds") == 0)
			a->drop_seconds = strtoull(text, NULL, 10);
		else
			errx(1, "%s: unknown word %s", path, word);
	}
	return (a);
}

static void
parse_number(struct script *s, const char *path, char *text)
{
	struct number	*n;
	struct action	*a;
	char		*word;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		err(1, NULL);
	TAILQ_INIT(&n->actions);
	if ((n->digits = strdup(strsep(&text, " "))) == NULL)
		err(1, NULL);
	if (text == NULL)
		errx(1, "%s: number without an action", path);
	while ((word = strsep(&text, ",")) != NULL) {
		/* The macro would evaluate a call more than once. */
		a = parse_action(path, word);
		TAILQ_INSERT_TAIL(&n->actions, a, entry);
	}
	TAILQ_INSERT_TAIL(&s->numbers, n, entry);
}

static void
parse_line(struct script *s, const char *path, char *line)
{
	char	*word, *to;

	if ((word = strchr(line, '#')) != NULL &&
	    (word == line || word[-1] == ' '))
		*word = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	word = strsep(&line, " \t");
	if (*word == '\0')
		return;
	if (strcmp(word, "mute") == 0)
		s->mute = 1;
	else if (strcmp(word, "noise") == 0)
		s->noise = 1;
	else if (strcmp(word, "digits") == 0)
		s->digits = 1;
	else if (strcmp(word, "online") == 0)
		s->online = 1;
	else if (line == NULL)
		errx(1, "%s: %s without a value", path, word);
	else if (strcmp(word, "rate") == 0)
		s->wire.rate = strtoull(line, NULL, 10);
	else if (strcmp(word, "latency") == 0)
		s->wire.latency = strtoull(line, NULL, 10);
	else if (strcmp(word, "buffer") == 0)
		s->wire.buffer = strtoull(line, NULL, 10);
	else if (strcmp(word, "answer") == 0)
		s->answer = strtoull(line, NULL, 10);
	else if (strcmp(word, "late") == 0)
		s->late = strtoull(line, NULL, 10);
	else if (strcmp(word, "deaf") == 0)
		s->deaf = strtoull(line, NULL, 10);
	else if (strcmp(word, "rings") == 0)
		s->rings = strtoull(line, NULL, 10);
	else if (strcmp(word, "connect") == 0)
		s->connect = strdup(line);
	else if (strcmp(word, "exec") == 0)
		s->exec = strdup(line);
	else if (strcmp(word, "banner") == 0)
		s->banner = strdup(line);
	else if (strcmp(word, "number") == 0)
		parse_number(s, path, line);
	else if (strcmp(word, "forward") == 0) {
		to = line;
		word = strsep(&to, " ");
		if (to == NULL)
			errx(1, "%s: forward without a target", path);
		forward_add(word, to);
	} else
		errx(1, "%s: unknown statement %s", path, word);
}

void
script_read(struct script *s, const char *path)
{
	char	*line = NULL;
	size_t	 size = 0;
	FILE	*f;

	memset(s, 0, sizeof(*s));
	TAILQ_INIT(&s->numbers);
	s->wire.buffer = 4096;
	s->answer = 200;
	if ((s->connect = strdup("CONNECT 33600/ARQ/V34/LAPM/V42BIS")) ==
	    NULL)
		err(1, NULL);
	if ((f = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	while (getline(&line, &size, f) != -1)
		parse_line(s, path, line);
	free(line);
	fclose(f);
}

const struct action *
script_dial(struct script *s, const char *digits)
{
	static const struct action	 unknown = {
		.name = "no-answer", .text = "NO ANSWER"
	};
	struct number	*n;
	struct action	*a;

	TAILQ_FOREACH(n, &s->numbers, entry) {
		if (strcmp(n->digits, digits) != 0)
			continue;
		a = TAILQ_FIRST(&n->actions);
		if (TAILQ_NEXT(a, entry) != NULL)
			TAILQ_REMOVE(&n->actions, a, entry);
		return (a);
	}
	return (&unknown);
}
