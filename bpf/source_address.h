/* Where a packet came from, for both programs: they see it at different places of the stack, and
 * the network header is the only one that both can reach.
 */
#ifndef COLLECTOR_SOURCE_ADDRESS_H
#define COLLECTOR_SOURCE_ADDRESS_H


#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define IPV4_SOURCE 12 /* octets into the header, RFC 791 section 3.1 */
#define IPV6_SOURCE 8  /* RFC 8200 section 3 */

enum source { SOURCE_READ, SOURCE_NOT_IP, SOURCE_UNREADABLE };

/* Write the address in network order; an IPv4 one becomes ::ffff:a.b.c.d. */
static inline enum source read_source(void *packet, u32 ethertype, u32 address[4])
{
    long fault;

    if (ethertype == bpf_htons(ETHERTYPE_IPV4)) {
        address[0] = address[1] = 0;
        address[2] = bpf_htonl(0xffff);
        fault = bpf_skb_load_bytes_relative(packet, IPV4_SOURCE, &address[3], 4,
                                            BPF_HDR_START_NET);
    } else if (ethertype == bpf_htons(ETHERTYPE_IPV6)) {
        fault = bpf_skb_load_bytes_relative(packet, IPV6_SOURCE, address, 16,
                                            BPF_HDR_START_NET);
    } else {
        return SOURCE_NOT_IP;
    }
    return fault ? SOURCE_UNREADABLE : SOURCE_READ;
}

#endif
