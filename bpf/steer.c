/* Choose the socket, and so the worker, of a datagram or SYN by the device it came from.
 *
 * Compiled once for each reuseport group by collector/steering/bcc_compiler.py, which defines STEER,
 * the name of this group's program, SLOTS and the maps' file descriptors: BUCKETS_FD, ALIASES_FD
 * and COUNTERS_FD are shared by all groups, SOCKETS_FD holds this group's sockets in slot order.
 */
#define BPF_LICENSE Apache-2.0

#include "slot.h"
#include "source_address.h"
#include "counters.h"

int STEER(struct sk_reuseport_md *packet)
{
    u32 address[4], device[4], bucket, slot;
    u32 *alias;
    u64 *moved_to;
    enum source source = read_source(packet, packet->eth_protocol, address);

    if (source != SOURCE_READ) {
        count(source == SOURCE_NOT_IP ? NOT_IP : UNREADABLE);
        return SK_DROP;
    }
    device[0] = bpf_ntohl(address[0]);
    device[1] = bpf_ntohl(address[1]);
    device[2] = bpf_ntohl(address[2]);
    device[3] = bpf_ntohl(address[3]);
    alias = bpf_map_lookup_elem((void *)bpf_pseudo_fd(1, ALIASES_FD), device);
    if (alias) {
        device[0] = alias[0];
        device[1] = alias[1];
        device[2] = alias[2];
        device[3] = alias[3];
    }

    bucket = bucket_of(device);
    slot = slot_of(device, SLOTS);
    moved_to = bpf_map_lookup_elem((void *)bpf_pseudo_fd(1, BUCKETS_FD), &bucket);
    if (moved_to && *moved_to)
        slot = *moved_to - 1; /* 0 says that nobody moved the bucket */

    /* After a failed select SK_PASS would let the kernel choose any socket, and nobody would see. */
    if (bpf_sk_select_reuseport(packet, (void *)bpf_pseudo_fd(1, SOCKETS_FD), &slot, 0)) {
        count(SELECT_FAILED);
        return SK_DROP;
    }
    count(FIRST_SLOT + slot);
    return SK_PASS;
}
