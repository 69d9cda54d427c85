/* Every way out of a program bumps a counter. The order is that of collector/steering/ebpf.py. */
#ifndef COLLECTOR_COUNTERS_H
#define COLLECTOR_COUNTERS_H

enum counter {
    NOT_IP,
    UNREADABLE,
    SELECT_FAILED,
    REFUSED_IN_SESSION, /* by an accepted TCP socket, which inherits the filter */
    FIRST_SLOT,         /* FIRST_SLOT + n: given to slot n; then what each listening socket refused */
};

static inline void count(u32 counter)
{
    u64 *total = bpf_map_lookup_elem((void *)bpf_pseudo_fd(1, COUNTERS_FD), &counter);

    if (total)
        __sync_fetch_and_add(total, 1);
}

#endif
