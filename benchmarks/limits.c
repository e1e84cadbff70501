/* What a core can do at best: the loops that a step cannot do without, and nothing else. */
#include <stdint.h>

typedef int8_t bytes __attribute__((vector_size(32), aligned(1)));
typedef int16_t words16 __attribute__((vector_size(64), aligned(2)));

/* rows of int8 (n_pre, width) summed into int16, eight at a time; width a multiple of 32 */
void rows(const int8_t *restrict w, const int32_t *restrict fired, int n, int width,
          int16_t *restrict sum)
{
    for (int k = 0; k + 8 <= n; k += 8)
        for (int j = 0; j < width; j += 32) {
            words16 total = *(words16 *)(sum + j);
            for (int i = 0; i < 8; i++) {
                const int8_t *row = w + (int64_t)fired[k + i] * width;
                total += __builtin_convertvector(*(const bytes *)(row + j), words16);
            }
            *(words16 *)(sum + j) = total;
        }
}

/* rows of words target << 8 | weight, each of count words, added at their targets */
void scatter(const uint32_t *restrict words, const int32_t *restrict fired, int n, int count,
             int32_t *restrict drive)
{
    for (int k = 0; k < n; k++) {
        if (k + 4 < n)
            for (int s = 0; s < count; s += 16)
                __builtin_prefetch(words + (int64_t)fired[k + 4] * count + s);
        const uint32_t *restrict row = words + (int64_t)fired[k] * count;
        for (int s = 0; s < count; s++)
            drive[row[s] >> 8] += (int8_t)row[s];
    }
}

/* taps of a convolution, length channels each, added at places of an image, channels last */
void taps(const int16_t *restrict w, int length, const int32_t *restrict places, int n,
          int32_t *restrict drive)
{
    for (int k = 0; k < n; k++) {
        int32_t *restrict at = drive + places[k];
        const int16_t *restrict tap = w + (int64_t)(k % 9) * length;
        for (int j = 0; j < length; j++)
            at[j] += tap[j];
    }
}

/* steps of n neurons that reset to zero */
void neurons(int steps, int32_t *restrict u, int32_t *restrict v, int32_t *restrict drive,
             uint8_t *restrict flags, int n, float keep_u, float keep_v, int threshold)
{
    for (int step = 0; step < steps; step++)
        for (int i = 0; i < n; i++) {
            int32_t x = (int32_t)(u[i] * keep_u) + (drive[i] << 6);
            drive[i] = 0;
            int32_t y = (int32_t)(v[i] * keep_v) + x;
            int fired = y > threshold;
            u[i] = x;
            v[i] = fired ? 0 : y;
            flags[i] = fired;
        }
}
