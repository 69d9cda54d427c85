/* The place of a device: arithmetic only, so that a test compiles it with cc and compares it with
 * its twins, collector/steering/slots.py and the classic BPF of collector/steering/classic_bpf.py.
 *
 * Whole device to one worker. Templates and RIB live in one process; hashing the source port as
 * well would leave each worker with half of a device's templates.
 *
 * A device is its 128-bit address in four words of host integers, most significant first; an IPv4
 * one is ::ffff:a.b.c.d. Classic BPF must do the same, so there is nothing here but 32-bit
 * multiply, xor and shift. Changing a number moves every device to another worker.
 */
#ifndef COLLECTOR_SLOT_H
#define COLLECTOR_SLOT_H

#define BUCKETS 4096u

static inline unsigned int mix(unsigned int hash, unsigned int word)
{
    hash ^= word;
    hash ^= hash >> 16;
    hash *= 0x7feb352du;
    hash ^= hash >> 15;
    hash *= 0x846ca68bu;
    return hash ^ hash >> 16;
}

static inline unsigned int bucket_of(const unsigned int device[4])
{
    unsigned int hash = mix(0, device[0]);

    hash = mix(hash, device[1]);
    hash = mix(hash, device[2]);
    hash = mix(hash, device[3]);
    return hash & (BUCKETS - 1);
}

/* The slot of a device whose bucket nobody moved. */
static inline unsigned int slot_of(const unsigned int device[4], unsigned int slots)
{
    return bucket_of(device) % slots;
}

#endif
