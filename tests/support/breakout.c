/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/breakout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEW(name, expression)                                                                      \
	static long try_##name(const struct breakout_target *t)                                    \
	{                                                                                          \
		(void)t;                                                                           \
		return (long)(expression);                                                         \
	}

static const char NOWHERE[] = "/nonexistent/bleherd";
static struct f_owner_ex owner = { F_OWNER_PID, 0 };
static struct rlimit limit;
static int word;

/* files */
NEW(open_file, open("/etc/passwd", O_RDONLY))
NEW(make_file, open("/tmp/bleherd.breakout", O_RDWR | O_CREAT | O_EXCL | O_TRUNC, 0600))
NEW(openat2, syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", NULL, 0))
NEW(unlink, unlinkat(AT_FDCWD, NOWHERE, 0))
NEW(rename, renameat(AT_FDCWD, NOWHERE, AT_FDCWD, NOWHERE))
NEW(chmod, fchmodat(AT_FDCWD, NOWHERE, 0, 0))
NEW(fchmod, fchmod(t->socket, 0666))
NEW(link, linkat(AT_FDCWD, NOWHERE, AT_FDCWD, NOWHERE, 0))
NEW(mount, syscall(SYS_mount, NOWHERE, NOWHERE, "tmpfs", 0, NULL))
NEW(memfd, syscall(SYS_memfd_create, "breakout", 0))

/* sockets */
NEW(socket_unix, socket(AF_UNIX, SOCK_STREAM, 0))
NEW(socket_inet, socket(AF_INET, SOCK_DGRAM, 0))
NEW(socket_netlink, socket(AF_NETLINK, SOCK_RAW, 0))
NEW(socket_bluetooth, socket(AF_BLUETOOTH, SOCK_RAW, 1))
NEW(socketpair, syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, NULL))
NEW(connect, connect(t->socket, NULL, 0))
NEW(bind, bind(t->socket, NULL, 0))
NEW(listen, listen(t->socket, 1))
NEW(accept, accept4(t->socket, NULL, NULL, 0))
NEW(filter_socket, setsockopt(t->socket, SOL_SOCKET, SO_DETACH_FILTER, &word, sizeof(word)))
NEW(ioctl, ioctl(t->socket, SIOCOUTQ, &word))

/* other processes */
NEW(kill, kill(t->victim, 0))
NEW(kill_all, kill(-1, 0))
NEW(kill_group, kill(0, 0))
NEW(tgkill, syscall(SYS_tgkill, t->victim, t->victim, 0))
NEW(tkill, syscall(SYS_tkill, t->victim, 0))
NEW(sigqueue, syscall(SYS_rt_sigqueueinfo, t->victim, 0, NULL))
NEW(pidfd_open, syscall(SYS_pidfd_open, t->victim, 0))
NEW(pidfd_signal, syscall(SYS_pidfd_send_signal, t->socket, 0, NULL, 0))
NEW(pidfd_getfd, syscall(SYS_pidfd_getfd, t->socket, 0, 0))
NEW(set_owner, fcntl(t->socket, F_SETOWN, t->victim))
NEW(set_signal, fcntl(t->socket, F_SETSIG, 0))
NEW(set_owner_ex, fcntl(t->socket, F_SETOWN_EX, &owner))
NEW(lease, fcntl(t->socket, F_SETLEASE, F_UNLCK))
NEW(ioctl_owner, ioctl(t->socket, FIOSETOWN, &word))
NEW(limit_of_other, syscall(SYS_prlimit64, t->victim, RLIMIT_NOFILE, NULL, &limit))
NEW(limit_of_own, syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit))
NEW(ptrace, syscall(SYS_ptrace, PTRACE_PEEKDATA, t->victim, NULL, NULL))
NEW(read_memory, syscall(SYS_process_vm_readv, t->victim, NULL, 0, NULL, 0, 0))
NEW(write_memory, syscall(SYS_process_vm_writev, t->victim, NULL, 0, NULL, 0, 0))
NEW(affinity, syscall(SYS_sched_setaffinity, t->victim, 0, NULL))
NEW(priority, syscall(SYS_getpriority, PRIO_PROCESS, t->victim))
NEW(wait, syscall(SYS_wait4, -1, NULL, WNOHANG, NULL))

/* new processes, new code */
NEW(thread, syscall(SYS_clone, CLONE_THREAD, NULL, NULL, NULL, NULL))
NEW(clone3, syscall(SYS_clone3, NULL, 0))
NEW(exec, syscall(SYS_execve, NOWHERE, NULL, NULL))
NEW(execat, syscall(SYS_execveat, AT_FDCWD, NOWHERE, NULL, NULL, 0))
NEW(map_code, syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, -1, 0))
NEW(protect_code, syscall(SYS_mprotect, NULL, 0, PROT_READ | PROT_EXEC))
NEW(shared_memory, syscall(SYS_shmget, 0, 0, 0))

/* rights, and the kernel's wide doors */
NEW(dumpable, prctl(PR_SET_DUMPABLE, 0))
NEW(death_signal, prctl(PR_SET_PDEATHSIG, SIGKILL))
NEW(capset, syscall(SYS_capset, NULL, NULL))
NEW(setuid, syscall(SYS_setresuid, -1, -1, -1))
NEW(unshare, unshare(0))
NEW(setns, setns(-1, 0))
NEW(chroot, syscall(SYS_chroot, NOWHERE))
NEW(another_filter, syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL))
NEW(bpf, syscall(SYS_bpf, -1, NULL, 0))
NEW(io_uring, syscall(SYS_io_uring_setup, 0, NULL))
NEW(userfaultfd, syscall(SYS_userfaultfd, -1))
NEW(keys, syscall(SYS_keyctl, -1, 0, 0, 0, 0))
NEW(perf, syscall(SYS_perf_event_open, NULL, 0, 0, -1, 0))

#define ROW(name)                                                                                  \
	{                                                                                          \
#name, try_##name                                                                  \
	}

const struct breakout BREAKOUTS[] = {
	ROW(open_file),
	ROW(make_file),
	ROW(openat2),
	ROW(unlink),
	ROW(rename),
	ROW(chmod),
	ROW(fchmod),
	ROW(link),
	ROW(mount),
	ROW(memfd),
	ROW(socket_unix),
	ROW(socket_inet),
	ROW(socket_netlink),
	ROW(socket_bluetooth),
	ROW(socketpair),
	ROW(connect),
	ROW(bind),
	ROW(listen),
	ROW(accept),
	ROW(filter_socket),
	ROW(ioctl),
	ROW(kill),
	ROW(kill_all),
	ROW(kill_group),
	ROW(tgkill),
	ROW(tkill),
	ROW(sigqueue),
	ROW(pidfd_open),
	ROW(pidfd_signal),
	ROW(pidfd_getfd),
	ROW(set_owner),
	ROW(set_signal),
	ROW(set_owner_ex),
	ROW(lease),
	ROW(ioctl_owner),
	ROW(limit_of_other),
	ROW(limit_of_own),
	ROW(ptrace),
	ROW(read_memory),
	ROW(write_memory),
	ROW(affinity),
	ROW(priority),
	ROW(wait),
	ROW(thread),
	ROW(clone3),
	ROW(exec),
	ROW(execat),
	ROW(map_code),
	ROW(protect_code),
	ROW(shared_memory),
	ROW(dumpable),
	ROW(death_signal),
	ROW(capset),
	ROW(setuid),
	ROW(unshare),
	ROW(setns),
	ROW(chroot),
	ROW(another_filter),
	ROW(bpf),
	ROW(io_uring),
	ROW(userfaultfd),
	ROW(keys),
	ROW(perf),
};

const size_t N_BREAKOUTS = sizeof(BREAKOUTS) / sizeof(BREAKOUTS[0]);

bool breakout_works(const struct breakout *breakout, const struct breakout_target *target)
{
	errno = 0;
	return breakout->attempt(target) >= 0 || errno != EPERM;
}
