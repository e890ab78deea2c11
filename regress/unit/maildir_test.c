/* See LICENSE for the terms. */

/* Maildirs: one copy of each message, whenever it is interrupted. */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include "maildir.h"
#include "maildir_list.h"

static int	 spool;

static int
setup(void **state)
{
	static const char *const dirs[] = { "mail", "tmp", "state", NULL };

	(void)state;
	spool = fixture_make("maildir_test", dirs);
	return (spool == -1 ? -1 : 0);
}

static int
teardown(void **state)
{
	(void)state;
	return (fixture_remove());
}

/* How many files; the directory has to be there. */
static unsigned int
files_in(const char *path)
{
	assert_true(fixture_exists(path));
	return (fixture_files(path, NULL, 0));
}

/* The name of the only file. */
static void
only_file(const char *path, char *name, size_t len)
{
	DIR		*dir;
	struct dirent	*de;

	assert_int_equal(files_in(path), 1);
	dir = fdopendir(openat(spool, path, O_RDONLY | O_DIRECTORY));
	assert_non_null(dir);
	while ((de = readdir(dir)) != NULL)
		if (de->d_name[0] != '.')
			strlcpy(name, de->d_name, len);
	closedir(dir);
}

static struct maildir_file *
make(const char *user, const char *key, const char *text)
{
	struct maildir_file	*f;

	f = maildir_create(spool, user, key);
	assert_non_null(f);
	assert_int_equal(write(maildir_fd(f), text, strlen(text)),
	    strlen(text));
	assert_int_equal(maildir_sync(f), 0);
	return (f);
}

struct verdict {
	const char	*yes;
	const char	*unknown;
	unsigned int	 asked;
};

static int
decide(const char *key, void *arg)
{
	struct verdict	*v = arg;

	v->asked++;
	if (v->yes != NULL && strcmp(key, v->yes) == 0)
		return (1);
	if (v->unknown != NULL && strcmp(key, v->unknown) == 0)
		return (-1);
	return (0);
}

/* What a crash leaves: a file in tmp/ and nobody who knows it. */
static void
crash_with(const char *user, const char *key, const char *text)
{
	char	 path[256];

	snprintf(path, sizeof(path), "tmp/%s,%s", key, user);
	fixture_put(path, text);
}

static void
place_puts_one_file_in_new(void **state)
{
	char	 name[256];

	(void)state;
	assert_int_equal(maildir_place(make("alice", "q.1.0", "a\r\n\r\n")),
	    0);
	assert_int_equal(files_in("tmp"), 0);
	assert_int_equal(files_in("mail/alice/tmp"), 0);
	assert_int_equal(files_in("mail/alice/cur"), 0);
	only_file("mail/alice/new", name, sizeof(name));
	assert_non_null(strstr(name, ".q.1.0.relayd,S=5,W=5"));
}

static void
nothing_is_seen_before_place(void **state)
{
	struct maildir_file	*f;

	(void)state;
	f = make("alice", "q.1.0", "a\r\n");
	assert_int_equal(files_in("mail/alice/new"), 0);
	assert_int_equal(files_in("tmp"), 1);
	maildir_discard(f);
	assert_int_equal(files_in("mail/alice/new"), 0);
	assert_int_equal(files_in("tmp"), 0);
}

static void
directories_are_private(void **state)
{
	static const char *const paths[] = { "mail/alice", "mail/alice/tmp",
	    "mail/alice/new", "mail/alice/cur" };
	struct stat	 st;
	size_t		 i;

	(void)state;
	maildir_discard(make("alice", "q.1.0", "x"));
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_int_equal(fstatat(spool, paths[i], &st, 0), 0);
		assert_true(S_ISDIR(st.st_mode));
		assert_int_equal(st.st_mode & 0777, 0700);
	}
}

static void
unsafe_users_are_refused(void **state)
{
	static const char *const users[] = { "", ".", "..", ".hidden", "a/b",
	    "../x", "a\nb", "a\x7f" };
	char		 longname[200];
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		assert_false(maildir_user_ok(users[i]));
		errno = 0;
		assert_null(maildir_create(spool, users[i], "q.1.0"));
		assert_int_equal(errno, EINVAL);
	}
	memset(longname, 'a', sizeof(longname) - 1);
	longname[sizeof(longname) - 1] = '\0';
	assert_false(maildir_user_ok(longname));
	longname[127] = '\0';
	assert_true(maildir_user_ok(longname));
	assert_true(maildir_user_ok("alice@ship.example"));
	assert_true(maildir_user_ok("j\xc3\xbcrgen, jr"));
}

static void
unsafe_keys_are_refused(void **state)
{
	static const char *const keys[] = { "", ".x", "a,b", "a/b", "a:b",
	    "a b", "\xc3\xbc" };
	char		 longkey[MAILDIR_KEY_MAX + 2], user[128];
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		errno = 0;
		assert_null(maildir_create(spool, "alice", keys[i]));
		assert_int_equal(errno, EINVAL);
	}
	memset(longkey, 'k', sizeof(longkey));
	longkey[MAILDIR_KEY_MAX + 1] = '\0';
	assert_null(maildir_create(spool, "alice", longkey));
	/* The longest of both still is a file name. */
	longkey[MAILDIR_KEY_MAX] = '\0';
	memset(user, 'u', sizeof(user));
	user[127] = '\0';
	assert_int_equal(maildir_place(make(user, longkey, "x")), 0);
}

static void
a_key_in_use_is_refused(void **state)
{
	struct maildir_file	*f;

	(void)state;
	f = make("alice", "q.1.0", "x");
	errno = 0;
	assert_null(maildir_create(spool, "alice", "q.1.0"));
	assert_int_equal(errno, EEXIST);
	maildir_discard(f);
}

static void
adopt_takes_the_file(void **state)
{
	struct maildir_file	*f;
	char			 name[256];
	int			 fd;

	(void)state;
	fixture_put("state/partial", "header\r\n\r\nbody\r\n");
	fd = openat(spool, "state/partial", O_RDWR);
	assert_int_not_equal(fd, -1);
	f = maildir_adopt(spool, "state/partial", fd, "bob", "f.acct.1");
	assert_non_null(f);
	assert_int_equal(maildir_fd(f), fd);
	assert_int_equal(files_in("state"), 0);
	assert_int_equal(maildir_sync(f), 0);
	assert_int_equal(maildir_place(f), 0);
	/* The descriptor went with it. */
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	only_file("mail/bob/new", name, sizeof(name));
	assert_non_null(strstr(name, ".f.acct.1.relayd,S=16,W=16"));
}

static void
adopt_that_fails_changes_nothing(void **state)
{
	struct maildir_file	*f;
	int			 fd;

	(void)state;
	fixture_put("state/partial", "x");
	fd = openat(spool, "state/partial", O_RDWR);
	f = make("bob", "f.acct.1", "other");
	errno = 0;
	assert_null(maildir_adopt(spool, "state/partial", fd, "bob",
	    "f.acct.1"));
	assert_int_equal(errno, EEXIST);
	assert_null(maildir_adopt(spool, "state/gone", fd, "bob", "f.acct.2"));
	assert_null(maildir_adopt(spool, "state/partial", fd, "../bob", "k"));
	assert_int_equal(files_in("state"), 1);
	assert_int_not_equal(fcntl(fd, F_GETFD), -1);
	close(fd);
	maildir_discard(f);
}

static void
recover_places_the_decided_and_removes_the_rest(void **state)
{
	struct verdict	 v = { "q.2.0", NULL, 0 };
	char		 name[256];

	(void)state;
	crash_with("alice", "q.1.0", "no");
	crash_with("alice", "q.2.0", "yes");
	crash_with("bob", "q.2.1", "no");
	assert_int_equal(maildir_recover(spool, decide, &v), 1);
	assert_int_equal(v.asked, 3);
	assert_int_equal(files_in("tmp"), 0);
	only_file("mail/alice/new", name, sizeof(name));
	assert_non_null(strstr(name, ".q.2.0.relayd,S=3,W=3"));
}

static void
recover_makes_the_mailbox(void **state)
{
	struct verdict	 v = { "q.2.0", NULL, 0 };

	(void)state;
	crash_with("newuser", "q.2.0", "yes");
	assert_int_equal(maildir_recover(spool, decide, &v), 1);
	assert_int_equal(files_in("mail/newuser/new"), 1);
	assert_int_equal(files_in("mail/newuser/cur"), 0);
}

static void
recover_keeps_what_cannot_be_decided(void **state)
{
	struct verdict	 v = { NULL, "f.x.1", 0 };

	(void)state;
	crash_with("alice", "f.x.1", "perhaps");
	assert_int_equal(maildir_recover(spool, decide, &v), 0);
	assert_int_equal(files_in("tmp"), 1);
	v.yes = "f.x.1";
	v.unknown = NULL;
	assert_int_equal(maildir_recover(spool, decide, &v), 1);
	assert_int_equal(files_in("mail/alice/new"), 1);
}

static void
recover_removes_what_is_nobodys(void **state)
{
	struct verdict	 v = { NULL, NULL, 0 };

	(void)state;
	fixture_put("tmp/nocomma", "x");
	fixture_put("tmp/bad key,alice", "x");
	fixture_put("tmp/key,.hidden", "x");
	fixture_put("tmp/.dotfile", "x");
	assert_int_equal(maildir_recover(spool, decide, &v), 0);
	assert_int_equal(v.asked, 0);
	assert_int_equal(files_in("tmp"), 0);
	assert_int_equal(faccessat(spool, "tmp/.dotfile", F_OK, 0), -1);
}

/* The rename reached the disk in new/ but not in tmp/. */
static void
recover_does_not_double_what_is_in_new(void **state)
{
	struct verdict	 v = { "q.2.0", NULL, 0 };

	(void)state;
	assert_int_equal(maildir_place(make("alice", "q.2.0", "yes")), 0);
	crash_with("alice", "q.2.0", "yes");
	assert_int_equal(maildir_recover(spool, decide, &v), 0);
	assert_int_equal(files_in("tmp"), 0);
	assert_int_equal(files_in("mail/alice/new"), 1);
}

static void
recover_does_not_double_what_was_read_since(void **state)
{
	struct verdict	 v = { "q.2.0", NULL, 0 };
	char		 name[256], from[320], to[320];

	(void)state;
	assert_int_equal(maildir_place(make("alice", "q.2.0", "yes")), 0);
	only_file("mail/alice/new", name, sizeof(name));
	snprintf(from, sizeof(from), "mail/alice/new/%s", name);
	snprintf(to, sizeof(to), "mail/alice/cur/%s:2,RS", name);
	assert_int_equal(renameat(spool, from, spool, to), 0);
	crash_with("alice", "q.2.0", "yes");
	assert_int_equal(maildir_recover(spool, decide, &v), 0);
	assert_int_equal(files_in("mail/alice/new"), 0);
	assert_int_equal(files_in("mail/alice/cur"), 1);
}

/* A key that another begins with is another message. */
static void
recover_compares_whole_keys(void **state)
{
	struct verdict	 v = { "q.2.1", NULL, 0 };

	(void)state;
	assert_int_equal(maildir_place(make("alice", "q.2.10", "ten")), 0);
	crash_with("alice", "q.2.1", "one");
	assert_int_equal(maildir_recover(spool, decide, &v), 1);
	assert_int_equal(files_in("mail/alice/new"), 2);
}

static void
place_makes_the_mailbox_again(void **state)
{
	struct maildir_file	*f;

	(void)state;
	f = make("alice", "q.1.0", "x");
	assert_int_equal(unlinkat(spool, "mail/alice/new", AT_REMOVEDIR), 0);
	assert_int_equal(maildir_place(f), 0);
	assert_int_equal(files_in("mail/alice/new"), 1);
}

static void
retry_places_what_failed(void **state)
{
	struct maildir_file	*f;

	(void)state;
	f = make("alice", "q.1.0", "x");
	/* A file where the directory should be: placing cannot succeed. */
	assert_int_equal(unlinkat(spool, "mail/alice/new", AT_REMOVEDIR), 0);
	fixture_put("mail/alice/new", "in the way");
	assert_int_equal(maildir_place(f), -1);
	assert_int_equal(files_in("tmp"), 1);
	assert_int_equal(maildir_retry(), 1);
	assert_int_equal(unlinkat(spool, "mail/alice/new", 0), 0);
	assert_int_equal(maildir_retry(), 0);
	assert_int_equal(files_in("tmp"), 0);
	assert_int_equal(files_in("mail/alice/new"), 1);
}

static void
count_reads_sizes_from_names(void **state)
{
	uint64_t	 messages, bytes;

	(void)state;
	assert_int_equal(maildir_count(spool, "nobody", &messages, &bytes), 0);
	assert_int_equal(messages, 0);
	assert_int_equal(bytes, 0);
	maildir_discard(make("alice", "q.1.0", "x"));
	fixture_put("mail/alice/new/1.a.h,S=100,W=110", "x");
	fixture_put("mail/alice/cur/2.b.h,S=1000:2,S", "x");
	fixture_put("mail/alice/cur/3.c.h:2,", "four");
	fixture_put("mail/alice/cur/.hidden", "x");
	assert_int_equal(maildir_count(spool, "alice", &messages, &bytes), 0);
	assert_int_equal(messages, 3);
	assert_int_equal(bytes, 1114);
	assert_int_equal(maildir_count(spool, "../x", &messages, &bytes), -1);
}

static void
names_give_sizes(void **state)
{
	uint64_t	 n;

	(void)state;
	assert_true(maildir_name_size("1.a,S=12,W=13:2,S", 'S', &n));
	assert_int_equal(n, 12);
	assert_true(maildir_name_size("1.a,S=12,W=13:2,S", 'W', &n));
	assert_int_equal(n, 13);
	assert_true(maildir_name_size("1.a,x,S=5", 'S', &n));
	assert_int_equal(n, 5);
	assert_false(maildir_name_size("1.a", 'S', &n));
	assert_false(maildir_name_size("1.a,S=", 'S', &n));
	assert_false(maildir_name_size("1.a,S=5x", 'S', &n));
	assert_false(maildir_name_size("1.a,S=-5", 'S', &n));
	assert_false(maildir_name_size("1.a:2,S=5", 'S', &n));
	assert_false(maildir_name_size("S=5", 'S', &n));
	assert_true(maildir_name_size("a,S=18446744073709551615", 'S', &n));
	assert_true(n == UINT64_MAX);
	assert_false(maildir_name_size("a,S=18446744073709551616", 'S', &n));
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(place_puts_one_file_in_new),
		TEST(nothing_is_seen_before_place),
		TEST(directories_are_private),
		TEST(unsafe_users_are_refused),
		TEST(unsafe_keys_are_refused),
		TEST(a_key_in_use_is_refused),
		TEST(adopt_takes_the_file),
		TEST(adopt_that_fails_changes_nothing),
		TEST(recover_places_the_decided_and_removes_the_rest),
		TEST(recover_makes_the_mailbox),
		TEST(recover_keeps_what_cannot_be_decided),
		TEST(recover_removes_what_is_nobodys),
		TEST(recover_does_not_double_what_is_in_new),
		TEST(recover_does_not_double_what_was_read_since),
		TEST(recover_compares_whole_keys),
		TEST(place_makes_the_mailbox_again),
		TEST(retry_places_what_failed),
		TEST(count_reads_sizes_from_names),
		TEST(names_give_sizes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
