// What could come out otherwise on another CPU: roundings, NaNs and their bits, conversions, lanes
// of vectors, signs of chars, and values of every type held in many frames at once.
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wasm_simd128.h>

#define VECTORS __attribute__((target("simd128"), noinline))

static uint64_t digest = 0xcbf29ce484222325;

static void mix(const void* bytes, size_t length) {
    for (const unsigned char* at = bytes; length > 0; at++, length--)
        digest = (digest ^ *at) * 0x100000001b3;
}

static uint64_t state = 1;

static uint64_t draw(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

// Any bits, subnormal numbers and signalling NaNs among them.
static double draw_double(void) {
    const uint64_t bits = draw();
    const uint64_t kinds[] = {0x3ff0000000000000, 0x7ff0000000000000, 0x0000000000000000, bits};
    const uint64_t all = (bits & 0x800fffffffffffff) | kinds[bits >> 52 & 3];
    double number;
    memcpy(&number, &all, sizeof number);
    return number;
}

static double numbers(double value) {
    const double other = draw_double();
    const float narrow = (float)other;
    const double results[] = {value + other,  value - other,       value * other,
                              value / other,  sqrt(value),         value * other + narrow,
                              floor(other),   nearbyint(value),    copysign(value, other),
                              (double)narrow, (double)(narrow / 3)};
    mix(results, sizeof results);
    mix(&narrow, sizeof narrow);
    const int64_t whole = fabs(other) < 1e18 ? (int64_t)other : -1;
    const char small = (char)whole;
    mix(&whole, sizeof whole);
    return isfinite(results[2]) ? results[2] : (double)small;
}

VECTORS static void vectors(void) {
    v128_t left = wasm_i64x2_make((int64_t)draw(), (int64_t)draw());
    v128_t right = wasm_f64x2_make(draw_double(), draw_double());
    v128_t sum = wasm_i64x2_const(0, 0);
    for (int round = 0; round < 6; round++) {
        sum = wasm_v128_xor(sum, wasm_f64x2_mul(left, right));
        sum = wasm_i32x4_add(sum, wasm_f32x4_div(left, right));
        sum = wasm_v128_xor(sum, wasm_f32x4_min(left, sum));
        sum = wasm_i8x16_add_sat(sum, wasm_i8x16_swizzle(left, right));
        sum = wasm_i64x2_add(sum, wasm_i32x4_trunc_sat_f32x4(left));
        left = wasm_i32x4_dot_i16x8(left, sum);
        right = wasm_f64x2_sqrt(wasm_f64x2_abs(sum));
    }
    mix(&sum, sizeof sum);
}

// Its frames hold a value of each type while those below them run, on whichever CPU.
VECTORS static double descend(int depth, float narrow, v128_t lanes) {
    const double wide = draw_double();
    const uint64_t bits = draw();
    if (depth == 0) return numbers(wide);
    const v128_t turned = wasm_i32x4_shuffle(lanes, lanes, 1, 2, 3, 0);
    const double below = descend(depth - 1, narrow * 1.5f, wasm_f32x4_add(turned, lanes));
    mix(&wide, sizeof wide);
    mix(&bits, sizeof bits);
    mix(&narrow, sizeof narrow);
    mix(&turned, sizeof turned);
    return below + (double)(bits >> 40);
}

VECTORS static double descend_from_here(void) {
    return descend(120, 0.1f, wasm_f32x4_make(1, -0.0f, NAN, 1e-40f));
}

int main(void) {
    for (int round = 0; round < 60; round++) {
        double value = 1.25;
        for (int i = 0; i < 6; i++) {
            value = numbers(value);
            vectors();
        }
        value = descend_from_here();
        mix(&value, sizeof value);
        if (round % 4 == 3)
            printf("round %d: %016" PRIx64 " %a %.17g\n", round, digest, value, 1.0 / (round + 1));
        fflush(stdout);
    }
    return 0;
}
