/* See LICENSE for the terms. */
/*
 * Runs a fuzz target without libFuzzer: every file named, and every file of
 * every directory named, as it is; then, with -n, so many mutations of each
 * from a fixed seed, so that a failure can be repeated.
 */
#include <sys/types.h>
#include <sys/stat.h>
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX	(1024 * 1024)	/* longer files are cut */
#define GROW_MAX	64		/* bytes that one mutation inserts */

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint64_t	seed = 0x9e3779b97f4a7c15ULL;
static unsigned long	count;

/* xorshift64 (Marsaglia 2003): the same on every system. */
static uint64_t
next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed);
}

/* The target gets memory of just the right size: overruns then show. */
static void
run_one(const uint8_t *data, size_t len)
{
	uint8_t	*copy;

	if ((copy = malloc(len > 0 ? len : 1)) == NULL)
		err(1, NULL);
	memcpy(copy, data, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	count++;
}

/* One change of a byte, a removal, or a repetition.  The new length. */
static size_t
mutate(uint8_t *data, size_t len)
{
	static const uint8_t	 special[] = "\r\n.\0 \t\"(){}<>:;,=\\\x7f\xff";
	size_t			 at, n;

	at = len > 0 ? next_random() % len : 0;
	switch (next_random() % 4) {
	case 0:
		if (len > 0)
			data[at] ^= (uint8_t)(1U << next_random() % 8);
		return (len);
	case 1:
		if (len > 0)
			data[at] = special[next_random() %
			    (sizeof(special) - 1)];
		return (len);
	case 2:
		n = next_random() % (GROW_MAX < len - at ? GROW_MAX :
		    len - at + 1);
		memmove(data + at, data + at + n, len - at - n);
		return (len - n);
	default:
		n = 1 + next_random() % GROW_MAX;
		if (n > len - at)
			n = len - at;
		memmove(data + at + n, data + at, len - at);
		return (len + n);
	}
}

static void
run_mutations(const uint8_t *data, size_t len, unsigned long runs)
{
	/* Up to eight mutations, each of which may insert. */
	uint8_t		*copy;
	size_t		 n;
	unsigned long	 i;
	uint64_t	 k;

	if ((copy = malloc(len + 8 * GROW_MAX)) == NULL)
		err(1, NULL);
	for (i = 0; i < runs; i++) {
		memcpy(copy, data, len);
		n = len;
		for (k = 1 + next_random() % 8; k > 0; k--)
			n = mutate(copy, n);
		run_one(copy, n);
	}
	free(copy);
}

static void
run_file(const char *path, unsigned long runs)
{
	uint8_t	*data;
	size_t	 len = 0;
	ssize_t	 n;
	int	 fd;

	if ((fd = open(path, O_RDONLY)) == -1)
		err(1, "%s", path);
	if ((data = malloc(INPUT_MAX)) == NULL)
		err(1, NULL);
	while (len < INPUT_MAX &&
	    (n = read(fd, data + len, INPUT_MAX - len)) != 0) {
		if (n == -1)
			err(1, "%s", path);
		len += (size_t)n;
	}
	close(fd);
	run_one(data, len);
	run_mutations(data, len, runs);
	free(data);
}

static void
run_path(const char *path, unsigned long runs)
{
	struct dirent	*entry;
	struct stat	 st;
	char		 name[PATH_MAX];
	DIR		*dir;
	int		 n;

	if (stat(path, &st) == -1)
		err(1, "%s", path);
	if (!S_ISDIR(st.st_mode)) {
		run_file(path, runs);
		return;
	}
	if ((dir = opendir(path)) == NULL)
		err(1, "%s", path);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		n = snprintf(name, sizeof(name), "%s/%s", path,
		    entry->d_name);
		if (n < 0 || (size_t)n >= sizeof(name))
			errx(1, "%s: name too long", path);
		run_file(name, runs);
	}
	closedir(dir);
}

int
main(int argc, char *argv[])
{
	const char	*errstr;
	unsigned long	 runs = 0;
	int		 ch;

	while ((ch = getopt(argc, argv, "n:")) != -1) {
		if (ch != 'n')
			errx(1, "usage: fuzz [-n runs] [file | directory ...]");
		runs = (unsigned long)strtonum(optarg, 0, INT_MAX, &errstr);
		if (errstr != NULL)
			errx(1, "-n %s: %s", optarg, errstr);
	}
	run_one((const uint8_t *)"", 0);
	for (argv += optind; *argv != NULL; argv++)
		run_path(*argv, runs);
	printf("%lu inputs\n", count);
	return (0);
}
