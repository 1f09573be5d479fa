/* A driver to test against: two GPUs of which the second may be cut in slices. What it does is set
   through the variables below, by ctypes. OLD_DRIVER leaves out what came with later drivers. */
#include <stdint.h>
#include <string.h>
#include <unistd.h>

volatile int hanging = 0;      /* utilisation does not answer while this is set */
volatile int hung = 0;         /* calls that were asked to hang and do so now */
volatile int lost = -1;        /* this device has fallen off the bus */
volatile int sliced = 0;       /* the second device is in two MIG slices, 0 and 2 */
volatile int init_code = 0;    /* what starting answers */
volatile int unsupported = 0;  /* no device has an answer to anything but its name */
volatile int wide_entries = 0; /* process entries of 32 bytes, as some drivers of release 535 */
volatile int crowd = 0;        /* so many more processes, from number 50000 on, with 1 MB each */
volatile unsigned int pids[4] = {0, 0, 0, 0};

enum { INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7, LOST = 15 };
#define MB (1024ULL * 1024ULL)

typedef void *device;
static int index_of(device d) { return (int)(intptr_t)d - 100; } /* slices: 10 and 12 */
static int refused(device d) { return index_of(d) == lost ? LOST : unsupported ? NOT_SUPPORTED : 0; }

static int start(void) { return init_code; }
static int count(unsigned *n) { *n = 2; return 0; }
static int by_index(unsigned i, device *d) {
    if ((int)i == lost) return LOST;
    if (i > 1) return INVALID;
    *d = (device)(intptr_t)(100 + i);
    return 0;
}

#ifdef OLD_DRIVER
int nvmlInit(void) { return start(); }
int nvmlDeviceGetCount(unsigned *n) { return count(n); }
int nvmlDeviceGetHandleByIndex(unsigned i, device *d) { return by_index(i, d); }
#else
int nvmlInit_v2(void) { return start(); }
int nvmlInitWithFlags(unsigned flags) { return flags ? INVALID : start(); } /* what pynvml calls */
int nvmlDeviceGetCount_v2(unsigned *n) { return count(n); }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, device *d) { return by_index(i, d); }
#endif

static const char *uuid_of(int i) {
    switch (i) {
    case 0: return "GPU-aaaa0000-1111-2222-3333-444455556666";
    case 1: return "GPU-aaaa1111-1111-2222-3333-444455556666";
    case 10: return "MIG-bbbb0000-1111-2222-3333-444455556666";
    default: return "MIG-bbbb2222-1111-2222-3333-444455556666";
    }
}
int nvmlDeviceGetUUID(device d, char *text, unsigned n) { strncpy(text, uuid_of(index_of(d)), n); return 0; }
int nvmlDeviceGetName(device d, char *text, unsigned n) {
    strncpy(text, index_of(d) < 10 ? "Fake H100" : "Fake H100 MIG 3g.40gb", n);
    return 0;
}

int nvmlDeviceGetUtilizationRates(device d, unsigned *both) {
    if (refused(d)) return refused(d);
    while (hanging) { hung = 1; usleep(1000); }
    hung = 0;
    if (sliced && index_of(d) > 0) return NOT_SUPPORTED;
    both[0] = index_of(d) ? 50 : 90;
    both[1] = 25;
    return 0;
}

struct memory { uint64_t total, free, used; };
int nvmlDeviceGetMemoryInfo(device d, struct memory *m) {
    if (refused(d)) return refused(d);
    m->total = (index_of(d) < 10 ? 81920 : 40960) * MB;
    m->used = (index_of(d) < 10 ? 2048 + 1024 * index_of(d) : 512) * MB;
    m->free = m->total - m->used;
    return 0;
}
int nvmlDeviceGetTemperature(device d, unsigned sensor, unsigned *t) {
    if (refused(d)) return refused(d);
    if (sensor) return INVALID;
    *t = 60 + index_of(d) % 10;
    return 0;
}
int nvmlDeviceGetPowerUsage(device d, unsigned *mw) { *mw = 350250; return refused(d); }

struct entry_v1 { unsigned pid; uint64_t used; };
struct entry_v2 { unsigned pid; uint64_t used; unsigned gpu_instance, compute_instance; };
struct entry_wide { struct entry_v2 known; uint64_t protected_bytes; };
static int known_pids(void) { int n = 0; while (n < 4 && pids[n]) n++; return n; }

#ifdef OLD_DRIVER
int nvmlDeviceGetComputeRunningProcesses(device d, unsigned *n, struct entry_v1 *list) {
    if (refused(d)) return refused(d);
    for (int i = 0; i < known_pids(); i++) {
        list[i].pid = pids[i];
        list[i].used = (100 + i) * MB;
    }
    *n = known_pids();
    return 0;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(device d, uint64_t *bits) { *bits = 0x1; return refused(d); }
#else
struct memory_v2 { unsigned version; uint64_t total, reserved, free, used; };
int nvmlDeviceGetMemoryInfo_v2(device d, struct memory_v2 *m) {
    struct memory old;
    if (m->version != (sizeof *m | 2 << 24)) return INVALID;
    int code = nvmlDeviceGetMemoryInfo(d, &old);
    if (code) return code;
    m->total = old.total;
    m->reserved = 500 * MB;
    m->used = old.used - 500 * MB;
    m->free = old.free;
    return 0;
}
int nvmlDeviceGetEnforcedPowerLimit(device d, unsigned *mw) { *mw = 700000; return refused(d); }
int nvmlDeviceGetClockInfo(device d, unsigned clock, unsigned *mhz) { *mhz = 1000 + clock; return refused(d); }
int nvmlDeviceGetCurrentClocksEventReasons(device d, uint64_t *bits) { *bits = 0x44; return refused(d); }
int nvmlDeviceGetTotalEccErrors(device d, unsigned kind, unsigned counter, uint64_t *n) {
    if (counter) return INVALID;
    *n = kind ? 0 : 3;
    return refused(d);
}
int nvmlDeviceGetComputeRunningProcesses_v3(device d, unsigned *n, char *list) {
    int size = wide_entries ? sizeof(struct entry_wide) : sizeof(struct entry_v2);
    if (refused(d)) return refused(d);
    int known = known_pids();
    if ((int)*n < known + crowd) { *n = known + crowd; return TOO_SMALL; }
    for (int i = 0; i < known + crowd; i++) {
        struct entry_wide entry = {{pids[i % 4], (100 + i) * MB, ~0u, ~0u}, 0};
        if (i >= known) { entry.known.pid = 50000 + i - known; entry.known.used = MB; }
        memcpy(list + i * size, &entry, size);
    }
    *n = known + crowd;
    return 0;
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(device d, unsigned *n, char *list) {
    return nvmlDeviceGetComputeRunningProcesses_v3(d, n, list);
}
int nvmlDeviceGetMaxMigDeviceCount(device d, unsigned *n) { *n = sliced && index_of(d) == 1 ? 7 : 0; return 0; }
int nvmlDeviceGetMigDeviceHandleByIndex(device d, unsigned i, device *slice) {
    if (index_of(d) != 1 || (i != 0 && i != 2)) return NOT_FOUND;
    *slice = (device)(intptr_t)(110 + i);
    return 0;
}
int nvmlDeviceGetGpuInstanceId(device d, unsigned *id) { *id = index_of(d) - 9; return 0; }
int nvmlDeviceGetComputeInstanceId(device d, unsigned *id) { *id = 0; return 0; }
#endif
