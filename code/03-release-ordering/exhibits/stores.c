/*
 * stores.c - EXHIBIT: one of these is wrong on purpose.
 *
 * To be compiled to assembly, for a look at the last instruction.
 */
void publish_relaxed(unsigned short *tail, unsigned short value);
void publish_release(unsigned short *tail, unsigned short value);

void publish_relaxed(unsigned short *tail, unsigned short value)
{
    __atomic_store_n(tail, value, __ATOMIC_RELAXED);
}

void publish_release(unsigned short *tail, unsigned short value)
{
    __atomic_store_n(tail, value, __ATOMIC_RELEASE);
}

int main(void)
{
    return 0;
}
