/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/bleherd_device.h - the part of libbleherd about how devices are and have been, and who uses
 * them; bleherd.h includes it. What that says of callbacks, errors and threads holds here.
 */
#include "bleherd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How long things took: one part of connects or requests. */
struct bh_distribution {
	const char *part; /* "queue", "connect", "services"; "query", "total" of a request */
	uint32_t count;
	uint32_t min_ms, p50_ms, p95_ms, max_ms; /* percentiles at most 5 % off */
};

struct bh_device {
	uint64_t address;
	bool is_random;
	const char *name;
	const struct bh_sighting *sightings;
	size_t n_sightings;
	enum bh_strategy strategy;
	const char *keeper;	    /* persistent: "held", "resting", ...; else "" */
	uint32_t check_interval_ms; /* between polls; 0: it is not polled */
	uint32_t circuit_failures;  /* of polls in a row, when their circuit is open */
	const char *health;	    /* "unknown", "healthy", "degraded", "unhealthy" */
	const char *state;	    /* "disconnected", "connecting", ...: as of a transition */
	uint32_t state_for_ms;	    /* UINT32_MAX: nothing is known of it */
	uint64_t requests;	    /* answered since it is known */
	uint64_t values;	    /* notified since then */
};

struct bh_adapter {
	const char *name;
	uint64_t address;
	const char *state;
	bool is_powered;
	bool is_discovering;
	uint32_t links;
	uint32_t sessions;
	uint32_t worker_pid;
	uint32_t deaths;
	enum bh_class trouble;
	const char *trouble_text;
	uint32_t slots;	   /* links that fit there; 0: not known */
	uint32_t attempts; /* to connect, in progress */
	uint64_t requests; /* answered there since it is there */
	uint64_t values;   /* notified there since then */
	const struct bh_distribution *timings;
	size_t n_timings;
};

/* A change of state. */
struct bh_transition {
	uint64_t at_ms;	   /* CLOCK_REALTIME */
	const char *state; /* "disconnected", "connecting", "connected", "disconnecting", "error" */
	const char *adapter; /* "" if none */
	enum bh_class error;
	const char *text;
};

/* Of a device; counts since the daemon knows of it. */
struct bh_device_counts {
	const char *adapter; /* of its link, or of the last one; "" if there was none */
	uint32_t connects;
	uint32_t attempts_failed;
	uint32_t given_up;
	uint32_t losses;		/* links that went and nobody had ended */
	uint32_t checks, checks_failed; /* polls */
	uint32_t request_failures;
	uint32_t health_failures, health_successes; /* in a row */
	uint64_t transitions;
};

/* The parts of an answer, each of which may be NULL; ctx is that of the request. */
struct bh_device_items {
	void (*device)(void *ctx, const struct bh_device *device);	       /* once */
	void (*counts)(void *ctx, const struct bh_device_counts *counts);      /* if it is known */
	void (*transition)(void *ctx, const struct bh_transition *transition); /* the last 32 */
	void (*timing)(void *ctx, const struct bh_distribution *timing);
};

/**
 * bh_device_info() - what the daemon knows of a device, seen or not
 * @items: copied; called in that order, transitions oldest first
 *
 * Errors: -EINVAL no device address, -ENOTCONN, -ENOBUFS, -ENOMEM.
 * Blocks: never.
 */
BH_API int bh_device_info(struct bh_client *client, uint64_t address,
			  const struct bh_device_items *items, bh_result_cb done, void *ctx);

enum bh_health {
	BH_HEALTH_UNKNOWN = 1,
	BH_HEALTH_HEALTHY,
	BH_HEALTH_DEGRADED,
	BH_HEALTH_UNHEALTHY,
};

/* Marks a device, until what comes of connects and polls says otherwise. As bh_device_info(). */
BH_API int bh_health_mark(struct bh_client *client, uint64_t address, enum bh_health health,
			  bh_result_cb done, void *ctx);

/* "unknown", "healthy", "degraded", "unhealthy"; "" for anything else. */
BH_API const char *bh_health_name(enum bh_health health);

struct bh_session_row {
	uint32_t session;
	uint64_t address;    /* 0: a scan */
	const char *adapter; /* that serves it, or did last; "" if none has yet */
	const char *label;   /* of its program */
	uint32_t pid;
	const char *state; /* "opening", "served", "waits" */
	uint32_t state_for_ms;
	bool holds_link; /* a second late at most, as the next one */
	uint32_t subscriptions;
	bool is_own;	  /* the daemon's */
	const char *text; /* why it waits; "" */
};

/* Sessions of all programs; @address: 0, or of this device only. Errors as of bh_device_info(). */
BH_API int bh_list_sessions(struct bh_client *client, uint64_t address,
			    void (*item)(void *ctx, const struct bh_session_row *row),
			    bh_result_cb done, void *ctx);

#ifdef __cplusplus
}
#endif
