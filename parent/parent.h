/* What the modules of the parent share. */
#ifndef PARENT_PARENT_H
#define PARENT_PARENT_H

#include <sys/types.h>
#include <sys/socket.h>
#include <stdint.h>

#include "channel.h"
#include "conf.h"

/* The running configuration and its file. */
extern struct conf	*parent_conf;
extern const char	*parent_conf_path;

/* proc.c: the three children. */
struct proc_options {
	const char	*libexec;	/* directory of their programs */
	int		 debug;
	int		 verbose;
};
/* Starts all three; they get parent_conf.  Fatal when that fails. */
void		 proc_start_all(const struct proc_options *);
struct channel	*proc_channel(enum proc_id);
/* Reaps children; called at SIGCHLD. */
void		 proc_reaped(pid_t, int status);
/* Shuts down in order, the line first; exits the process. */
void		 proc_shutdown(void);
int		 proc_stopping(void);
/* The line is down: an end that waited for it goes on. */
void		 proc_line_closed(void);
/* Kills one that broke the protocol; it is started again. */
void		 proc_kill(enum proc_id);
/* 1 while a child runs that has not got its first configuration yet. */
int		 proc_configuring(void);
/* Children that wait to be started again are started. */
void		 proc_restart_now(void);
/* How often a child was started: an answer is for the one that asked. */
unsigned int	 proc_generation(enum proc_id);
void		 proc_verbose(int);
/* CHILD_CONF_READY of a child that was started alone, 0 or an errno. */
void		 proc_ready(enum proc_id, uint32_t error);

/* reload.c: a new configuration in two phases. */
/* Reads the file; id is dialerd's request or 0 for SIGHUP. */
void		 reload_start(uint32_t id);
/* Whether READY with this id is the answer that is owed: 1; 0 when its
 * configuration was given up meanwhile; -1 when nothing was asked. */
int		 reload_answered(enum proc_id, uint32_t id);
/* The answer that was owed: 1 if it belonged to a reload, else 0. */
int		 reload_ready(enum proc_id, uint32_t error);
/* 1 between BEGIN and DONE or ABORT. */
int		 reload_busy(void);
/* What may have held up a SIGHUP is over. */
void		 reload_poke(void);
/* A child died: what is under way is given up. */
void		 reload_abort(const char *why);
/* Sends a configuration to one child, BEGIN to DRAIN: 0, or -1. */
int		 reload_push(enum proc_id, const struct conf *);

/* listen.c: bound sockets. */
/* Binds what the new configuration listens on; sockets that the old one
 * (may be NULL) has are taken over by dup.  0, or -1 with a line logged. */
int		 listen_bind(struct conf *, const struct conf *old);
void		 listen_close(struct conf *);
/* The control sockets; kept over reloads.  0, or -1 logged. */
int		 listen_control(const struct conf *);
/* A duplicate of the control socket for dialerd, or -1. */
int		 listen_control_fd(int readonly);
/* The paths of the control sockets and of the configuration's local ones. */
void		 listen_unlink(const struct conf *);

/* spooldir.c: directories, with their owners.  Fatal when it cannot be. */
void		 spooldir_make(const struct conf *);
/* A descriptor of spool/state/NAME, made when it is not there; or -1. */
int		 spooldir_open_state(const char *name, int flags);
/* Replace spool/state/NAME by these bytes, durably.  0 or -1. */
int		 spooldir_write_state(const char *name, const void *, size_t);
/*
 * Leave of spool/state/NAME what is from there on, where a line must begin,
 * in a new file: whoever has the old one open has the whole of it.  0, or -1
 * with errno and nothing changed.
 */
int		 spooldir_keep_state(const char *name, uint64_t from);

/* line.c: the device, the link and the parent's own clock on it (L1). */
channel_handler	 line_handle_open;	/* DIALERD_LINE_OPEN */
channel_handler	 line_handle_start;	/* DIALERD_LINK_START */
channel_handler	 line_handle_stop;	/* DIALERD_LINK_STOP */
channel_handler	 line_handle_close;	/* DIALERD_LINE_CLOSE */
channel_handler	 line_handle_left;	/* DIALERD_LINE_LEFT */
/* A child died, or we end: whatever is open goes down at once (L2). */
void		 line_down(const char *why);
/* 1 while a line is open. */
int		 line_is_open(void);
/* 1 when this was the keeper's pid. */
int		 line_reaped(pid_t, int status);

/* resolve.c, auth.c: questions of the children. */
channel_handler	 resolve_handle;	/* SPOOLD_RESOLVE, FETCHD_RESOLVE */
channel_handler	 auth_handle;		/* SPOOLD_AUTH */
void		 resolve_init(void);	/* reads the remembered addresses */
/* In a task: overwrites the secrets of the configurations. */
void		 reload_forget(void);

#endif
