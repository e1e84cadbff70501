/* The same update as plain C would have it: a table of delta rows, one saturating add per row. */
#include <stdint.h>
#include <stdlib.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

static void add_row(int8_t *restrict w, const int8_t *restrict row, int n_post)
{
    int j = 0;
#ifdef __AVX2__
    for (; j + 32 <= n_post; j += 32) {
        __m256i sum = _mm256_adds_epi8(_mm256_loadu_si256((const __m256i *)(w + j)),
                                       _mm256_loadu_si256((const __m256i *)(row + j)));
        _mm256_storeu_si256((__m256i *)(w + j), sum);
    }
#endif
    for (; j < n_post; j++) {
        int sum = w[j] + row[j];
        w[j] = sum > 127 ? 127 : sum < -128 ? -128 : sum;
    }
}

/* weights (n_pre, n_post) int8; delta_of (n_codes, n_codes) int8, rounded already; constant gate */
void update(int8_t *restrict weights, const uint8_t *restrict pre, const uint8_t *restrict post,
            const int8_t *restrict delta_of, int n_pre, int n_post, int n_codes)
{
    int8_t *rows = malloc((size_t)n_codes * n_post);
    uint8_t *made = calloc(n_codes, 1);
    for (int i = 0; i < n_pre; i++) {
        int8_t *restrict row = rows + (size_t)pre[i] * n_post;
        if (!made[pre[i]]) {
            made[pre[i]] = 1;
            for (int j = 0; j < n_post; j++)
                row[j] = delta_of[pre[i] * n_codes + post[j]];
        }
        add_row(weights + (size_t)i * n_post, row, n_post);
    }
    free(rows);
    free(made);
}
