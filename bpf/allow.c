/* Let only the allow-list's prefixes into a socket; what is refused vanishes silently.
 *
 * A socket filter and no part of steer.c: SK_DROP there is answered by ICMP or RST, which is
 * backscatter for whoever's address was forged. Loaded once by collector/steering/bcc_compiler.py
 * with the file descriptors PREFIXES_FD, LISTENERS_FD and COUNTERS_FD, attached to every listening
 * socket. The kernel adds what a filter refuses to the socket's drops, so it is counted for each
 * socket: the rest of the drops are then what the socket lost.
 */
#define BPF_LICENSE Apache-2.0

#include "source_address.h"
#include "counters.h"

/* 32-bit words only: with a 64-bit one the compiler's padding becomes part of the trie's key. */
struct prefix {
    u32 length; /* in bits */
    u32 address[4];
};

int allow(struct __sk_buff *packet)
{
    struct prefix host = {.length = 128};
    u64 cookie;
    u32 *counter;
    enum source source = read_source(packet, packet->protocol, host.address);

    if (source != SOURCE_READ) {
        count(source == SOURCE_NOT_IP ? NOT_IP : UNREADABLE);
        return 0;
    }
    if (bpf_map_lookup_elem((void *)bpf_pseudo_fd(1, PREFIXES_FD), &host))
        return -1; /* keep all octets */
    cookie = bpf_get_socket_cookie(packet);
    counter = bpf_map_lookup_elem((void *)bpf_pseudo_fd(1, LISTENERS_FD), &cookie);
    count(counter ? *counter : REFUSED_IN_SESSION);
    return 0;
}
