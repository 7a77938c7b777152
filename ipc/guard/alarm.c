/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/guard/alarm.h"

#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>

#ifndef sigev_notify_thread_id /* glibc names it since 2.39 or so */
#define sigev_notify_thread_id _sigev_un._tid
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ALARM_HAS_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ALARM_HAS_ASAN 1
#endif

enum {
	STACK_LEN = 65536, /* the unwinder needs some; also where the stack itself overflowed */
	OBJECTS_MAX = 24,
	OWN_FRAMES_MAX = 8, /* of the handler, above the interrupted function */
};

/* A loaded file. */
struct object {
	uintptr_t base;
	uintptr_t begin;
	uintptr_t end;
	char name[WPAGE_OBJECT_LEN]; /* "": the program */
};

/* What the handlers need: a signal has no other way to it. Set once, in alarm_begin(). */
static struct {
	struct wpage *page;
	timer_t timer;
	bool has_timer;
	volatile sig_atomic_t has_knocked;
	struct itimerspec half; /* of the window */
	size_t n_objects;
	struct object objects[OBJECTS_MAX];
	_Alignas(16) char stack[STACK_LEN];
} state;

/* --- which file is an address in --- */

static int note_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct object *object = &state.objects[state.n_objects];
	const char *name = info->dlpi_name ? strrchr(info->dlpi_name, '/') : NULL;
	size_t i;

	(void)size;
	(void)ctx;
	if (state.n_objects == OBJECTS_MAX)
		return 1;
	*object = (struct object){ .base = info->dlpi_addr, .begin = UINTPTR_MAX };
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t begin = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type != PT_LOAD)
			continue;
		if (begin < object->begin)
			object->begin = begin;
		if (begin + segment->p_memsz > object->end)
			object->end = begin + segment->p_memsz;
	}
	/* The program comes first, and without a name. */
	if (state.n_objects++ > 0)
		(void)snprintf(object->name, sizeof(object->name), "%s",
			       name ? name + 1 : info->dlpi_name);
	return 0;
}

/* --- last words: async-signal-safe from here on --- */

static void put_frame(size_t index, uintptr_t at)
{
	size_t i;

	for (i = 0; i < state.n_objects; i++) {
		const struct object *object = &state.objects[i];

		if (at < object->begin || at >= object->end)
			continue;
		wpage_frame(state.page, index, at - object->base, object->name);
		return;
	}
	wpage_frame(state.page, index, at, "?");
}

/* Where the signal came; 0 on machines that are not known here. */
static uintptr_t place_of(const void *context)
{
	const ucontext_t *user = context;

#if defined(__x86_64__)
	return (uintptr_t)user->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (uintptr_t)user->uc_mcontext.pc;
#else
	(void)user;
	return 0;
#endif
}

static void put_backtrace(uintptr_t place)
{
	void *frames[WPAGE_FRAMES_MAX + OWN_FRAMES_MAX];
	int n = backtrace(frames, (int)ARRAY_LEN(frames));
	int first = 0;
	int i;

	for (i = 0; i < n && i < OWN_FRAMES_MAX; i++)
		if ((uintptr_t)frames[i] == place)
			first = i;
	/* The others are return addresses: the call is before them. */
	for (i = first; i < n; i++)
		put_frame((size_t)(i - first), (uintptr_t)frames[i] - (i > first));
}

static void end(int signal, enum wpage_end how, const void *context)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };

	put_backtrace(place_of(context));
	wpage_end(state.page, how, NULL);
	(void)sigaction(signal, &by_default, NULL);
	/* Blocked in here: it comes once the handler returns. */
	(void)syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), signal);
}

static void on_fatal(int signal, siginfo_t *info, void *context)
{
	(void)info;
	end(signal, WPAGE_END_SIGNAL, context);
}

static void on_alarm(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	/* Nobody else's SIGALRM is a reason to end. */
	if (info->si_code != SI_TIMER)
		return;
	if (!state.has_knocked) {
		state.has_knocked = 1;
		(void)timer_settime(state.timer, 0, &state.half, NULL);
		return;
	}
	end(SIGABRT, WPAGE_END_HUNG, context);
}

/*
 * Instead of libc's: the same line on stderr, and on the page. What links this file gets it, also
 * for the assertions of its other files.
 */
void __assert_fail(const char *assertion, const char *file, unsigned line, const char *function)
{
	char words[WPAGE_WORDS_LEN];
	int len;

	len = snprintf(words, sizeof(words), "%s:%u: %s: assertion `%s' failed", file, line,
		       function, assertion);
	wpage_end(state.page, WPAGE_END_ASSERT, words);
	(void)dprintf(STDERR_FILENO, "%.*s\n", len, words);
	abort();
}

/* --- the beginning --- */

static int take_signals(void)
{
	static const int FATAL[] = {
		SIGABRT,
#if !defined(ALARM_HAS_ASAN)
		SIGSEGV,
		SIGBUS,
		SIGFPE,
		SIGILL,
#endif
	};
	const stack_t stack = { .ss_sp = state.stack, .ss_size = STACK_LEN };
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
	size_t i;

	if (sigaltstack(&stack, NULL) < 0)
		return -errno;
	(void)sigfillset(&action.sa_mask);
	action.sa_sigaction = on_fatal;
	for (i = 0; i < ARRAY_LEN(FATAL); i++)
		if (sigaction(FATAL[i], &action, NULL) < 0)
			return -errno;
	action.sa_sigaction = on_alarm;
	return sigaction(SIGALRM, &action, NULL) < 0 ? -errno : 0;
}

int alarm_begin(struct wpage *page)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };
	uint64_t half_ms = wpage_window_ms(page) * 2ull / 5;
	void *warm[2];
	int r;

	if (!page)
		return 0;
	state.page = page;
	/* Loads the unwinder: not for a signal handler. */
	(void)backtrace(warm, (int)ARRAY_LEN(warm));
	(void)dl_iterate_phdr(note_object, NULL);
	r = take_signals();
	if (r < 0 || half_ms == 0)
		return r;
	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &state.timer) < 0)
		return -errno;
	state.half.it_value.tv_sec = (time_t)(half_ms / 1000);
	state.half.it_value.tv_nsec = (long)(half_ms % 1000) * 1000000;
	state.has_timer = true;
	return 0;
}

void alarm_tick(void)
{
	if (!state.has_timer)
		return;
	state.has_knocked = 0;
	(void)timer_settime(state.timer, 0, &state.half, NULL);
}
