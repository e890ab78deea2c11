/* See LICENSE for the terms. */
/* parent/passwd.c */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "passwd.h"

/* "correct horse", with few rounds so that tests are fast. */
#define SHA512	"$6$rounds=1000$saltsalt$"
#define SHA256	"$5$rounds=1000$saltsalt$"
#define BLF	"$2b$04$abcdefghijklmnopqrstuu"

static int
parse(const char *line, struct passwd_entry *e)
{
	memset(e, 0, sizeof(*e));
	return (passwd_parse_line(line, strlen(line), e));
}

static int
check(const char *file, const char *user, const char *password)
{
	return (passwd_check(file, strlen(file), user, password));
}

/* A file of one user whose hash is made by this system's crypt(3). */
static const char *
file_of(const char *scheme, const char *setting, const char *password)
{
	static char buf[1024];
	const char *hash = crypt(password, setting);

	if (hash == NULL || hash[0] == '*')
		return (NULL);
	snprintf(buf, sizeof(buf), "alice:%s%s:1000:1000::/home:/bin/sh:x=y\n",
	    scheme, hash);
	return (buf);
}

static void
line_is_taken_apart(void **state)
{
	struct passwd_entry e;

	(void)state;
	assert_int_equal(parse("alice:{PLAIN}secret:1:2:g:h:s:extra", &e), 0);
	assert_int_equal(e.user_len, 5);
	assert_memory_equal(e.user, "alice", 5);
	assert_int_equal(e.scheme, PASSWD_PLAIN);
	assert_int_equal(e.hash_len, 6);
	assert_memory_equal(e.hash, "secret", 6);
}

static void
line_of_two_fields_will_do(void **state)
{
	struct passwd_entry e;

	(void)state;
	assert_int_equal(parse("bob:{plain}x", &e), 0);
	assert_int_equal(e.scheme, PASSWD_PLAIN);
	assert_int_equal(e.hash_len, 1);
	assert_int_equal(parse("bob:$6$s$h\r", &e), 0);
	assert_int_equal(e.scheme, PASSWD_CRYPT);
	assert_int_equal(e.hash_len, 6);
}

static void
lines_without_a_user(void **state)
{
	struct passwd_entry e;
	char big[PASSWD_LINE_MAX + 2];

	(void)state;
	assert_int_equal(parse("", &e), -1);
	assert_int_equal(parse("# alice:{PLAIN}x", &e), -1);
	assert_int_equal(parse("alice", &e), -1);
	assert_int_equal(parse(":{PLAIN}x", &e), -1);
	assert_int_equal(passwd_parse_line("a:{PLAIN}x\0y", 12, &e), -1);
	memset(big, 'a', sizeof(big));
	big[3] = ':';
	assert_int_equal(passwd_parse_line(big, sizeof(big), &e), -1);
	big[3] = 'a';
	big[PASSWD_USER_MAX + 1] = ':';
	assert_int_equal(passwd_parse_line(big, PASSWD_USER_MAX + 8, &e), -1);
}

static void
what_cannot_match_is_unusable(void **state)
{
	static const char *const lines[] = {
		"a:", "a::1000", "a:{PLAIN}", "a:{PLAIN}:x", "a:{MD5}x",
		"a:{PLAIN", "a:{}x", "a:{BLF-CRYPT}$6$x", "a:!", "a:*",
		"a:{SHA512-CRYPT}$5$x$y", "a:{SHA256-CRYPT}$6$x$y",
		"a:{CRYPT}!$6$x$y", "a:{PLAIN.b64}eA=="
	};
	struct passwd_entry e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse(lines[i], &e), 0);
		assert_int_equal(e.scheme, PASSWD_UNUSABLE);
		assert_false(check(lines[i], "a", ""));
		assert_false(check(lines[i], "a", "x"));
	}
}

static void
plain_password(void **state)
{
	const char *f = "alice:{PLAIN}correct horse\nbob:{PLAIN}b";

	(void)state;
	assert_true(check(f, "alice", "correct horse"));
	assert_true(check(f, "bob", "b"));
	assert_false(check(f, "alice", "correct horsf"));
	assert_false(check(f, "alice", "correct"));
	assert_false(check(f, "alice", "correct horse "));
	assert_false(check(f, "alice", ""));
	assert_false(check(f, "alic", "correct horse"));
	assert_false(check(f, "alicee", "correct horse"));
	assert_false(check(f, "Alice", "correct horse"));
	assert_false(check(f, "", "b"));
	assert_false(check("", "alice", "x"));
}

static void
crypt_schemes(void **state)
{
	static const struct {
		const char	*scheme;
		const char	*setting;
	} t[] = {
		{ "", SHA512 }, { "{CRYPT}", SHA512 },
		{ "{SHA512-CRYPT}", SHA512 }, { "{sha256-crypt}", SHA256 },
		{ "{CRYPT}", SHA256 }, { "{BLF-CRYPT}", BLF },
		{ "{CRYPT}", BLF }
	};
	const char *f;
	size_t i, done = 0;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		f = file_of(t[i].scheme, t[i].setting, "correct horse");
		if (f == NULL)
			continue;	/* not on this system */
		done++;
		assert_true(check(f, "alice", "correct horse"));
		assert_false(check(f, "alice", "correct horsf"));
		assert_false(check(f, "alice", ""));
		assert_false(check(f, "bob", "correct horse"));
	}
	assert_true(done > 0);
}

/* Made by another implementation: openssl passwd -6 and -5. */
static void
known_hashes(void **state)
{
	const char *f = "alice:{SHA512-CRYPT}$6$saltstring$svn8UoSVapNtMuq1"
	    "ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOf"
	    "aS35inz1:::::\n"
	    "bob:{SHA256-CRYPT}$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/"
	    "GNooZaBBGWEc5\n";

	(void)state;
	assert_true(check(f, "alice", "Hello world!"));
	assert_false(check(f, "alice", "Hello world?"));
	assert_true(check(f, "bob", "Hello world!"));
	assert_false(check(f, "bob", "Hello world?"));
}

static void
hash_is_no_password(void **state)
{
	const char *f = file_of("", SHA512, "x");
	char hash[256];

	(void)state;
	assert_non_null(f);
	sscanf(f, "alice:%255[^:]", hash);
	assert_false(check(f, "alice", hash));
}

static void
first_line_of_a_user_counts(void **state)
{
	const char *f = "a:{PLAIN}one\na:{PLAIN}two\n";

	(void)state;
	assert_true(check(f, "a", "one"));
	assert_false(check(f, "a", "two"));
	/* Also when it can never match. */
	assert_false(check("a:!\na:{PLAIN}two\n", "a", "two"));
}

static void
bounds(void **state)
{
	char f[PASSWD_LINE_MAX * 2], pw[PASSWD_PASSWORD_MAX + 2];
	size_t n;

	(void)state;
	/* The longest password that a line can hold. */
	memset(pw, 'p', sizeof(pw));
	n = PASSWD_HASH_MAX - strlen("{PLAIN}");
	pw[n] = '\0';
	snprintf(f, sizeof(f), "a:{PLAIN}%s", pw);
	assert_true(check(f, "a", pw));
	snprintf(f, sizeof(f), "a:{PLAIN}%sp", pw);
	assert_false(check(f, "a", pw));
	/* One too long to be looked at. */
	memset(pw, 'p', sizeof(pw));
	pw[sizeof(pw) - 1] = '\0';
	assert_int_equal(strlen(pw), PASSWD_PASSWORD_MAX + 1);
	assert_false(check("a:{PLAIN}p", "a", pw));
	/* A line too long is passed over, the next is not. */
	memset(f, 'x', sizeof(f));
	memcpy(f, "a:", 2);
	strlcpy(f + PASSWD_LINE_MAX + 10, "\na:{PLAIN}y", 20);
	assert_true(check(f, "a", "y"));
}

static void
file_need_not_end_in_a_newline_or_nul(void **state)
{
	char *f = malloc(10);

	(void)state;
	memcpy(f, "a:{PLAIN}x", 10);
	assert_true(passwd_check(f, 10, "a", "x"));
	free(f);
}

static int	 crypt_calls;
char		*__real_crypt(const char *, const char *);
char		*__wrap_crypt(const char *, const char *);

char *
__wrap_crypt(const char *key, const char *setting)
{
	crypt_calls++;
	return (__real_crypt(key, setting));
}

static void
crypt_runs_once_for_anyone(void **state)
{
	static const char *const users[] = { "alice", "nobody", "plain",
	    "locked" };
	char f[2048];
	size_t i;

	(void)state;
	snprintf(f, sizeof(f), "plain:{PLAIN}x\nlocked:!\n%s",
	    file_of("", SHA512, "x"));
	for (i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		crypt_calls = 0;
		(void)check(f, users[i], "x");
		assert_int_equal(crypt_calls, 1);
	}
}

static void
refused(int fd, int error)
{
	errno = 0;
	assert_int_equal(passwd_check_secrecy(fd), -1);
	assert_int_equal(errno, error);
}

static void
file_that_others_can_read_is_refused(void **state)
{
	char path[] = "/tmp/passwd_test.XXXXXX";
	int fd = mkstemp(path), dir = open("/", O_RDONLY);

	(void)state;
	assert_true(fd != -1 && dir != -1);
	assert_int_equal(passwd_check_secrecy(fd), 0);
	fchmod(fd, 0640);
	assert_int_equal(passwd_check_secrecy(fd), 0);
	fchmod(fd, 0644);
	refused(fd, EACCES);
	fchmod(fd, 0660);
	refused(fd, EACCES);
	fchmod(fd, 0602);
	refused(fd, EACCES);
	refused(dir, EINVAL);
	refused(-1, EBADF);
	fchmod(fd, 0600);
	if (getuid() == 0 && fchown(fd, 65534, (gid_t)-1) == 0)
		refused(fd, EPERM);
	close(fd);
	close(dir);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_is_taken_apart),
		cmocka_unit_test(line_of_two_fields_will_do),
		cmocka_unit_test(lines_without_a_user),
		cmocka_unit_test(what_cannot_match_is_unusable),
		cmocka_unit_test(plain_password),
		cmocka_unit_test(crypt_schemes),
		cmocka_unit_test(known_hashes),
		cmocka_unit_test(hash_is_no_password),
		cmocka_unit_test(first_line_of_a_user_counts),
		cmocka_unit_test(bounds),
		cmocka_unit_test(file_need_not_end_in_a_newline_or_nul),
		cmocka_unit_test(crypt_runs_once_for_anyone),
		cmocka_unit_test(file_that_others_can_read_is_refused)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
