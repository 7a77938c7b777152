/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/bleherd.h - libbleherd: how a program shares the Bluetooth LE adapters of this machine.
 *
 * Everything is asynchronous on one descriptor: poll bh_fd() for input, at most bh_timeout_ms(),
 * then call bh_process(); callbacks run in there, and in bh_session_close() and bh_free(), which
 * answer what is open before they return. The *_sync() calls do that for a program without a loop
 * of its own: they block until the answer or the deadline, and callbacks of other requests run
 * meanwhile. A callback may call everything, also release its own session, scan, lock or client: it
 * is never called again after that, and bh_process() returns -ECANCELED where the client was freed.
 * What it may not do is wait: bh_process(), bh_wait(), bh_retry() and *_sync() return -EBUSY there.
 * So callbacks never run inside each other, except those that bh_session_close(), bh_lock_release()
 * and bh_free() call for what they end.
 *
 * A session is a program's hold on one peripheral. It outlives workers and moves between adapters
 * by itself: requests stay in order, each is answered exactly once, and a write whose outcome
 * nobody knows is answered with class `interrupted` rather than sent twice.
 *
 * What is wrong with the arguments is an error of the call (-EINVAL), and so is a request that can
 * no longer be made: -ENOTCONN the session or the daemon is gone, -ENOBUFS more than 16384 requests
 * are open, -ENOMEM. @done is then not called. Everything else is a class in the answer; each
 * request has an answer, at the latest a second after its deadline. @done and @item may be NULL
 * unless it says otherwise.
 *
 * Addresses are 48-bit numbers, the first octet as written on top (0xc0aabb000001). Durations are
 * milliseconds; a timeout of 0 means the daemon's default.
 *
 * Threads: clients have nothing in common, so that each thread may use one of its own. One client,
 * with its sessions, scans and locks, is for one thread at a time: there are no locks in here, and
 * a program whose threads share one holds a mutex around each call, bh_process() and bh_wait() too;
 * callbacks run in the thread that called. After fork() only bh_free() may be called in the child.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#define BH_API __attribute__((visibility("default")))

/* Why something failed; bh_class_name() gives the words used in messages and JSON. */
enum bh_class {
	BH_CLASS_NONE,
	BH_CLASS_NOT_FOUND,
	BH_CLASS_OUT_OF_SLOTS,
	BH_CLASS_BUSY_SAME_DEVICE,
	BH_CLASS_BUSY_DISCOVERY,
	BH_CLASS_ABORTED_LOCAL,
	BH_CLASS_ABORTED_REMOTE,
	BH_CLASS_LINK_LOST,
	BH_CLASS_AUTH,
	BH_CLASS_KEY_MISSING,
	BH_CLASS_NOT_POWERED,
	BH_CLASS_RFKILL,
	BH_CLASS_ADAPTER_GONE,
	BH_CLASS_BLUEZ_GONE,
	BH_CLASS_NO_REPLY,
	BH_CLASS_GATT_MISSING,
	BH_CLASS_GATT_LATE,
	BH_CLASS_GATT_REFUSED,
	BH_CLASS_PHANTOM,
	BH_CLASS_ZOMBIE,
	BH_CLASS_VALIDATION,
	BH_CLASS_LOCK_TIMEOUT,
	BH_CLASS_CANCELLED,
	BH_CLASS_DEADLINE,
	BH_CLASS_INTERRUPTED,
	BH_CLASS_INTERNAL,
	BH_CLASS_INVALID,
	BH_CLASS_NO_DAEMON,
	BH_CLASS_LIMIT,
	BH_CLASS_LOCK_LOST,
	BH_CLASS_DENIED,
};

struct bh_client;
struct bh_session;
struct bh_answer; /* bleherd_sync.h */

struct bh_uuid {
	uint8_t octets[16]; /* in the order in which one writes them */
};

struct bh_timings {
	uint32_t queue_ms; /* waiting for locks and slots */
	uint32_t connect_ms;
	uint32_t services_ms;
	uint32_t query_ms; /* the read or write itself */
	uint32_t total_ms; /* from the call to the answer, seen from the program */
	bool is_cached;	   /* from memory: no radio was used, and all the others are 0 */
};

/* The answer to a request. Pointers are valid inside the callback only. */
struct bh_result {
	enum bh_class error; /* BH_CLASS_NONE: done */
	const char *text;    /* one line; "" when done */
	const char *advice;  /* one line; "" if there is none */
	struct bh_timings timings;
	uint32_t attempts;    /* bh_connect(): 0 if the link was there */
	uint32_t mtu;	      /* bh_connect() */
	const char *adapter;  /* bh_connect(), bh_session_open(): "hci0" */
	const uint8_t *value; /* bh_read() */
	size_t len_bytes;
};

typedef void (*bh_result_cb)(void *ctx, const struct bh_result *result);

struct bh_characteristic {
	struct bh_uuid uuid;
	uint16_t handle;
	const char *const *flags; /* BlueZ's words, NULL-terminated */
};

struct bh_service {
	struct bh_uuid uuid;
	uint16_t handle;
	bool primary;
	const struct bh_characteristic *characteristics;
	size_t n_characteristics;
};

struct bh_advert {
	uint64_t address;
	bool is_random;
	const char *name; /* "" if unknown */
	const char *adapter;
	int8_t rssi_dbm;
	const struct bh_uuid *uuids;
	size_t n_uuids;
	bool has_manufacturer;
	uint16_t company;
	const uint8_t *manufacturer_data;
	size_t manufacturer_len;
};

enum { BH_RSSI_UNKNOWN = 127 };

struct bh_sighting {
	const char *adapter;
	int8_t rssi_dbm; /* BH_RSSI_UNKNOWN: not heard lately */
	uint32_t age_ms; /* UINT32_MAX: never heard in this run of the daemon */
	bool is_connected;
};

/* What the daemon does for the link of a device; bleherd_strategy.h. */
enum bh_strategy { BH_STRATEGY_UNKNOWN, BH_STRATEGY_ON_DEMAND, BH_STRATEGY_PERSISTENT };

/* Of lists; bleherd_device.h. */
struct bh_device;
struct bh_adapter;

struct bh_status; /* bleherd_status.h */

struct bh_event {
	uint64_t seq;
	uint64_t at_ms; /* CLOCK_REALTIME */
	const char *kind;
	const char *adapter; /* "" if none */
	uint64_t address;    /* 0 if none */
	uint32_t session;    /* 0 if none */
	enum bh_class error;
	const char *text;
};

/* What happens to a session between requests. */
enum bh_session_event {
	BH_SESSION_MOVED,     /* served by another worker now; text says why */
	BH_SESSION_WAITS,     /* nobody serves it at the moment; requests wait */
	BH_SESSION_LINK_LOST, /* the link went; its subscriptions ended but for those that resume */
	BH_SESSION_CLOSED,    /* for good: open requests were answered with the class */
	BH_SESSION_LINK_BACK, /* every subscription that resumes has values again */
	BH_SESSION_GAP,	      /* here values may be missing, and nobody knows how many */
};

struct bh_session_news {
	enum bh_session_event event;
	enum bh_class error;
	const char *adapter;
	const char *text;
	bool resumes; /* LINK_LOST: a subscription waits; LINK_BACK follows, or its end */
};

typedef void (*bh_session_cb)(void *ctx, struct bh_session *session,
			      const struct bh_session_news *news);

/* What a client that stays is told of the daemon. */
enum bh_daemon_event {
	BH_DAEMON_GONE, /* killed, restarted, or it dropped us */
	BH_DAEMON_BACK,
};

struct bh_daemon_news {
	enum bh_daemon_event event;
	uint32_t away_ms; /* BACK: for how long there was none */
	bool is_other;	  /* BACK: not the same one, its events count from 1 again */
	const char *text; /* one line */
};

typedef void (*bh_daemon_cb)(void *ctx, struct bh_client *client,
			     const struct bh_daemon_news *news);

/* One call per value, in order; @lost values were dropped before this one. */
typedef void (*bh_notify_cb)(void *ctx, const uint8_t *value, size_t len_bytes, uint64_t seq,
			     uint32_t lost);

/* --- client --- */

/**
 * bh_new() - connect to the daemon
 * @out:    release with bh_free()
 * @socket: path; NULL: $BLEHERD_SOCKET, else /run/bleherd/bleherd.sock
 * @label:  what people see in lists of clients; NULL: the program's name
 *
 * Errors: -ENOENT, -ECONNREFUSED no daemon; -EACCES not allowed; -ETIMEDOUT it does not accept;
 * -ENAMETOOLONG; -ENOMEM.
 * Blocks: never beyond connect(2) on a local socket, 5 s at most.
 */
BH_API int bh_new(struct bh_client **out, const char *socket, const char *label);

/*
 * Closes everything, sessions and scans too: open requests are answered `cancelled` first. NULL is
 * fine; returns NULL. In a forked child nobody is called and nothing is sent: the parent goes on.
 */
BH_API struct bh_client *bh_free(struct bh_client *client);

/**
 * bh_stay() - go on when the daemon goes: wait for it, and resume
 * @news: may be NULL
 *
 * Without this call everything ends with class `no-daemon`, and the client can only be freed. With
 * it the daemon is dialled again, at once and then with growing pauses of up to 1 s, until
 * bh_free():
 * - sessions wait (news WAITS, class `no-daemon`), are opened again, connected and subscribed as
 *   they were (news MOVED); subscriptions keep their ids, their seq goes on as over a move
 * - what is not answered is asked again, what was not sent is sent. What may have been done is
 *   not: a write that was sent, a bh_link_drop(), a reset, a mark is answered `interrupted`, and
 *   so is a list of which a part was given already
 * - calls may be made all the time; their deadlines hold: `no-daemon` if there is none then
 * - bh_events() with @follow goes on: first an event of kind "daemon-back" with seq 0, then what
 *   the ring of the daemon holds and was not given yet
 * - locks that are held are handed to the next arbiter, those that wait ask again; held ones are
 *   lost (`no-daemon`) if there is no daemon for 60 s
 *
 * It ends, as without this call, only for a daemon of another version. Blocks: never.
 */
BH_API void bh_stay(struct bh_client *client, bh_daemon_cb news, void *ctx);

BH_API int bh_fd(const struct bh_client *client);

/*
 * Whether a daemon has answered this client. bh_new() succeeds without: another program, systemd
 * for one, may hold the socket of a daemon that does not run.
 */
BH_API bool bh_was_answered(const struct bh_client *client);

/* How long poll() may wait for bh_fd(): milliseconds, -1 for ever. */
BH_API int bh_timeout_ms(const struct bh_client *client);

/**
 * bh_process() - do what is to be done now and run callbacks
 * Errors: -ENOTCONN the daemon has gone: every open request has been answered `no-daemon` (a client
 * that stays goes on, see bh_stay());
 * -ECANCELED a callback has freed the client; -EBUSY called in a callback.
 * Blocks: never.
 */
BH_API int bh_process(struct bh_client *client);

/**
 * bh_wait() - poll and process once
 * @timeout_ms: at most; -1 until something happened (a signal, too)
 * Errors: as bh_process().
 */
BH_API int bh_wait(struct bh_client *client, int timeout_ms);

/* --- lists: one call of @item per element, then @done --- */
BH_API int bh_get_status(struct bh_client *client,
			 void (*item)(void *ctx, const struct bh_status *status), bh_result_cb done,
			 void *ctx);
BH_API int bh_list_adapters(struct bh_client *client,
			    void (*item)(void *ctx, const struct bh_adapter *adapter),
			    bh_result_cb done, void *ctx);
BH_API int bh_list_devices(struct bh_client *client,
			   void (*item)(void *ctx, const struct bh_device *device),
			   bh_result_cb done, void *ctx);

/**
 * bh_events() - what the daemon decided and why
 * @history: begin with what its ring still holds
 * @follow:  and go on until the client is freed
 */
BH_API int bh_events(struct bh_client *client, bool history, bool follow,
		     void (*item)(void *ctx, const struct bh_event *event), bh_result_cb done,
		     void *ctx);

/* The arbiter's lock table (read only, ipc/locktab.h): @item, not NULL, gets a descriptor and
 * closes it. */
BH_API int bh_get_locks(struct bh_client *client, void (*item)(void *ctx, int fd),
			bh_result_cb done, void *ctx);

/* Ends the link of a device, whoever uses it. */
BH_API int bh_link_drop(struct bh_client *client, uint64_t address, bh_result_cb done, void *ctx);

/* Of a reset: a step, or (level NULL) whom it interrupts: a session, or a link whoever uses it. */
struct bh_reset_news {
	const char *adapter; /* of a step: its name now, it may have been numbered anew */
	const char *level;   /* "power", ... */
	const char *text;    /* what came of the step; the label of the session's program */
	bool is_cured;	     /* with this step the reset is done */
	uint32_t took_ms;
	uint64_t address;      /* 0: of a scan */
	uint32_t session, pid; /* 0: a link */
};

/*
 * Resets an adapter. @level: power, down-up, usb, rebind, rfkill, bluetoothd (all adapters suffer),
 * or all: from the mildest on, until one helps. @only_list: only says who would suffer. It goes on
 * if the program ends; a second one is answered `lock-timeout`. -EINVAL: no such name or level.
 */
BH_API int bh_reset_adapter(struct bh_client *client, const char *adapter, const char *level,
			    bool only_list,
			    void (*item)(void *ctx, const struct bh_reset_news *news),
			    bh_result_cb done, void *ctx);

/* --- sessions --- */

/**
 * bh_session_open() - take hold of a peripheral; it need not have been seen yet
 * @out:        valid at once: requests may follow without waiting; release with bh_session_close()
 * @address:    the peripheral's
 * @adapter:    only there; NULL: the one that sees it best
 * @timeout_ms: for finding it
 * @news:       may be NULL
 * @done:       may be NULL; if it fails, all requests made since fail for the same reason
 *
 * Errors: -ENOTCONN, -ENOMEM, -EINVAL.
 */
BH_API int bh_session_open(struct bh_session **out, struct bh_client *client, uint64_t address,
			   const char *adapter, uint32_t timeout_ms, bh_session_cb news,
			   bh_result_cb done, void *ctx);

/*
 * Lets go: its open requests are answered `cancelled` before this returns, and nothing of it is
 * called afterwards. The link ends with the last one out, after the linger time of its device.
 * NULL is fine; returns NULL.
 */
BH_API struct bh_session *bh_session_close(struct bh_session *session);

BH_API const char *bh_session_adapter(const struct bh_session *session);

/* Requests are answered through @done, exactly once each; they keep their order per session. */
BH_API int bh_connect(struct bh_session *session, uint32_t timeout_ms, bh_result_cb done,
		      void *ctx);

enum bh_check_kind { BH_CHECK_GATT = 1, BH_CHECK_CHARACTERISTIC, BH_CHECK_READ };

struct bh_check {
	enum bh_check_kind kind;
	struct bh_uuid uuid; /* of all but BH_CHECK_GATT */
};
enum { BH_CHECKS_MAX = 8 };
/**
 * bh_connect_checked() - bh_connect() to a link that passes
 * @checks: copied; made in this order, and again after a move: there are services, there is that
 *          characteristic, it can be read within 5 s
 *
 * A link that does not pass is a failed attempt: it is ended, unless others use it, and the next
 * one follows while there is time. Services that come late are waited for. Classes `validation`,
 * `zombie`. For a check of the program's own see bh_connect_rejected().
 */
BH_API int bh_connect_checked(struct bh_session *session, uint32_t timeout_ms,
			      const struct bh_check *checks, size_t n_checks, bh_result_cb done,
			      void *ctx);

enum { BH_WHY_LEN = 128 };
/**
 * bh_connect_rejected() - the link did not pass a check of the program's own: another one
 * @why:        for people, in events and errors: one line of less than BH_WHY_LEN bytes; NULL: none
 * @timeout_ms: until the next link; the checks of the connect before are made again
 *
 * As if one of its checks had failed: a failed attempt, counted on with those of the connect that
 * the link came from while its time runs. The daemon ends the link and does what helps: tries
 * again, clears what is stale, takes another adapter. Class `validation`: others use the link and
 * it was not ended; attempts or time are used up. The session lets go of the link, its
 * subscriptions end without a word, as with bh_disconnect(). Without a link it is
 * bh_connect_checked(). Errors: -EINVAL: @why.   Blocks: never.
 */
BH_API int bh_connect_rejected(struct bh_session *session, const char *why, uint32_t timeout_ms,
			       bh_result_cb done, void *ctx);

/**
 * bh_exclusive() - whether connects that are asked for from now on want the link for this session
 *
 * While a session has that, requests of others on the link wait, until it disconnects, closes or
 * loses the link; notifications of others go on. A second one waits its turn: the connect is
 * answered when the link is its own. It holds over a move. Blocks: never.
 */
BH_API void bh_exclusive(struct bh_session *session, bool is_on);
BH_API int bh_disconnect(struct bh_session *session, bh_result_cb done, void *ctx);
BH_API int bh_services(struct bh_session *session,
		       void (*item)(void *ctx, const struct bh_service *service), bh_result_cb done,
		       void *ctx);
BH_API int bh_read(struct bh_session *session, const struct bh_uuid *uuid, uint32_t timeout_ms,
		   bh_result_cb done, void *ctx);

/**
 * bh_write() - write a characteristic
 * @value:       copied
 * @len_bytes:   at most 512
 * @no_response: as a command: done means handed to BlueZ, not arrived
 *
 * Class `interrupted`: BlueZ had it, and then BlueZ, the link or the worker went: who knows.
 */
BH_API int bh_write(struct bh_session *session, const struct bh_uuid *uuid, const uint8_t *value,
		    size_t len_bytes, bool no_response, uint32_t timeout_ms, bh_result_cb done,
		    void *ctx);

/**
 * bh_subscribe() - notifications or indications of a characteristic
 * @value:  one call per notification, not NULL. Its seq counts from 1 for this subscription, goes
 *          on over moves, and jumps by exactly `lost` where values were lost
 * @done:   when it is subscribed; a second call with a class when it ends by itself (not for
 *          bh_unsubscribe(), bh_disconnect(), bh_session_close(): those are the program's own)
 * @out_id: for bh_unsubscribe(); may be NULL
 *
 * It survives the death of a worker and moves; it ends when the link is lost. A program that takes
 * its values too slowly loses the oldest: about 750 wait for it. Others do not notice.
 */
BH_API int bh_subscribe(struct bh_session *session, const struct bh_uuid *uuid, uint32_t timeout_ms,
			bh_notify_cb value, bh_result_cb done, void *ctx, uint32_t *out_id);

struct bh_subscribe_options {
	bool resumes;	     /* it outlives the link, and wants it back */
	uint32_t silence_ms; /* without a value for so long the link is ended; 0: as configured */
};

/**
 * bh_subscribe_with() - bh_subscribe() with options
 * @options: copied; NULL: none
 *
 * One that resumes keeps its link wanted, for as long as it lives: when the link is lost the news
 * are LINK_LOST with `resumes`, and LINK_BACK when there are values again; its numbers go on, and
 * what the peripheral sent meanwhile is not counted. It ends by bh_unsubscribe(), bh_disconnect(),
 * or by itself where another link would not help (gatt-missing, auth, ...). A link that was
 * connected is not connected any more: bh_connect() where the program wants to hold it.
 * A link that is ended for its silence is lost with class `zombie`; the silence of the next one is
 * not looked at before it had a value. Errors as bh_subscribe().   Blocks: never.
 */
BH_API int bh_subscribe_with(struct bh_session *session, const struct bh_uuid *uuid,
			     uint32_t timeout_ms, const struct bh_subscribe_options *options,
			     bh_notify_cb value, bh_result_cb done, void *ctx, uint32_t *out_id);

/* No value is given any more from this call on. -ENOENT: there is no such subscription. */
BH_API int bh_unsubscribe(struct bh_session *session, uint32_t id, bh_result_cb done, void *ctx);

/* --- scanning --- */

struct bh_scan;

struct bh_scan_filter {
	const struct bh_uuid *uuids; /* any of these; none: all devices */
	size_t n_uuids;
	int8_t rssi_min_dbm; /* 0: no limit */
	uint64_t address;    /* 0: any */
	const char *adapter; /* NULL: all, also those plugged in later */
};

/**
 * bh_scan_start() - adverts, until bh_scan_stop()
 * @out:    release with bh_scan_stop()
 * @filter: copied; NULL: everything
 * @advert: one call per advert heard
 * @done:   once, if it ends by itself (no adapter, daemon gone and no bh_stay(), client freed);
 *          never after bh_scan_stop()
 */
BH_API int bh_scan_start(struct bh_scan **out, struct bh_client *client,
			 const struct bh_scan_filter *filter,
			 void (*advert)(void *ctx, const struct bh_advert *advert),
			 bh_result_cb done, void *ctx);
BH_API struct bh_scan *bh_scan_stop(struct bh_scan *scan);

/* --- words --- */
BH_API const char *bh_class_name(enum bh_class error);
BH_API int bh_parse_address(const char *text, uint64_t *out_address);
BH_API void bh_format_address(uint64_t address, char out_text[18]);
BH_API int bh_parse_uuid(const char *text, struct bh_uuid *out_uuid);
BH_API void bh_format_uuid(const struct bh_uuid *uuid, char out_text[37]);

#ifdef __cplusplus
}
#endif

#include "bleherd_status.h"
#include "bleherd_sync.h"
#include "bleherd_device.h"
#include "bleherd_lock.h"
#include "bleherd_strategy.h"
#include "bleherd_cache.h"
#include "bleherd_deaths.h"
