#include <catch2/catch.hpp>

#include "vm/wasm/meaning.hpp"

using namespace sojourn::vm;

namespace {

/// Makes the compiler forget the value, so that the processor computes with it.
template <typename T>
T hidden(T value) {
    asm volatile("" : "+m"(value));
    return value;
}

template <Opcode opcode, typename... Operands>
auto run(Operands... operands) {
    return Meaning<opcode>::eval(hidden(operands)...);
}

std::uint32_t bits(float value) {
    return std::bit_cast<std::uint32_t>(value);
}
std::uint64_t bits(double value) {
    return std::bit_cast<std::uint64_t>(value);
}

constexpr float kInfinity32 = std::numeric_limits<float>::infinity();
constexpr double kInfinity64 = std::numeric_limits<double>::infinity();
const float kSignallingNan32 = std::bit_cast<float>(0xffa0'0001U);
const double kSignallingNan64 = std::bit_cast<double>(std::uint64_t{0xfff4'0000'0000'0001U});

}  // namespace

TEST_CASE("division traps by zero and where the quotient is too large", "[wasm]") {
    REQUIRE(run<Opcode::i32_div_s>(-7, 2) == -3);
    REQUIRE(run<Opcode::i32_div_s>(1, 0) == Trap::divide_by_zero);
    REQUIRE(run<Opcode::i32_div_s>(INT32_MIN, -1) == Trap::integer_overflow);
    REQUIRE(run<Opcode::i32_div_u>(INT32_MIN, -1) == 0);
    REQUIRE(run<Opcode::i64_div_s>(INT64_MIN, std::int64_t{-1}) == Trap::integer_overflow);
    REQUIRE(run<Opcode::i64_div_u>(std::int64_t{-1}, std::int64_t{16}) == INT64_MAX / 8);
    REQUIRE(run<Opcode::i64_div_u>(std::int64_t{-1}, std::int64_t{0}) == Trap::divide_by_zero);
}

TEST_CASE("a remainder has the sign of the dividend and never overflows", "[wasm]") {
    REQUIRE(run<Opcode::i32_rem_s>(-7, 2) == -1);
    REQUIRE(run<Opcode::i32_rem_s>(INT32_MIN, -1) == 0);
    REQUIRE(run<Opcode::i32_rem_u>(-1, 10) == 5);
    REQUIRE(run<Opcode::i64_rem_s>(INT64_MIN, std::int64_t{-1}) == 0);
    REQUIRE(run<Opcode::i64_rem_s>(std::int64_t{1}, std::int64_t{0}) == Trap::divide_by_zero);
}

TEST_CASE("shifts and rotations count modulo the width", "[wasm]") {
    REQUIRE(run<Opcode::i32_shl>(1, 32) == 1);
    REQUIRE(run<Opcode::i32_shr_s>(INT32_MIN, 31) == -1);
    REQUIRE(run<Opcode::i32_shr_u>(INT32_MIN, 31) == 1);
    REQUIRE(run<Opcode::i32_rotl>(static_cast<std::int32_t>(0xabcd'9876), 33) == 0x579b'30ed);
    REQUIRE(run<Opcode::i32_rotr>(1, 1) == INT32_MIN);
    REQUIRE(run<Opcode::i64_rotl>(std::int64_t{1}, std::int64_t{127}) == INT64_MIN);
    REQUIRE(run<Opcode::i64_shl>(std::int64_t{1}, std::int64_t{-1}) == INT64_MIN);
}

TEST_CASE("bits are counted, of zero as well", "[wasm]") {
    REQUIRE(run<Opcode::i32_clz>(0) == 32);
    REQUIRE(run<Opcode::i32_ctz>(0) == 32);
    REQUIRE(run<Opcode::i32_ctz>(INT32_MIN) == 31);
    REQUIRE(run<Opcode::i64_popcnt>(std::int64_t{-1}) == 64);
}

TEST_CASE("comparisons tell signed from unsigned", "[wasm]") {
    REQUIRE(run<Opcode::i32_lt_s>(-1, 1) == 1);
    REQUIRE(run<Opcode::i32_lt_u>(-1, 1) == 0);
    REQUIRE(run<Opcode::i64_ge_u>(std::int64_t{-1}, INT64_MAX) == 1);
    REQUIRE(run<Opcode::i64_ge_s>(std::int64_t{-1}, INT64_MAX) == 0);
}

TEST_CASE("every NaN that is computed is the canonical one", "[wasm]") {
    REQUIRE(bits(run<Opcode::f32_add>(kSignallingNan32, 1.0F)) == 0x7fc0'0000);
    REQUIRE(bits(run<Opcode::f32_sub>(kInfinity32, kInfinity32)) == 0x7fc0'0000);
    REQUIRE(bits(run<Opcode::f32_mul>(0.0F, kInfinity32)) == 0x7fc0'0000);
    REQUIRE(bits(run<Opcode::f32_div>(0.0F, 0.0F)) == 0x7fc0'0000);
    REQUIRE(bits(run<Opcode::f32_sqrt>(-1.0F)) == 0x7fc0'0000);
    REQUIRE(bits(run<Opcode::f32_min>(1.0F, kSignallingNan32)) == 0x7fc0'0000);
    REQUIRE(bits(run<Opcode::f32_ceil>(kSignallingNan32)) == 0x7fc0'0000);
    REQUIRE(bits(run<Opcode::f32_demote_f64>(kSignallingNan64)) == 0x7fc0'0000);
    REQUIRE(bits(run<Opcode::f64_promote_f32>(kSignallingNan32)) == 0x7ff8'0000'0000'0000);
    REQUIRE(bits(run<Opcode::f64_nearest>(kSignallingNan64)) == 0x7ff8'0000'0000'0000);
    REQUIRE(bits(run<Opcode::f64_sqrt>(kSignallingNan64)) == 0x7ff8'0000'0000'0000);
    REQUIRE(bits(run<Opcode::f64_max>(kSignallingNan64, 1.0)) == 0x7ff8'0000'0000'0000);
}

TEST_CASE("operations on the sign keep the bits of a NaN", "[wasm]") {
    REQUIRE(bits(run<Opcode::f32_abs>(kSignallingNan32)) == 0x7fa0'0001);
    REQUIRE(bits(run<Opcode::f32_neg>(kSignallingNan32)) == 0x7fa0'0001);
    REQUIRE(bits(run<Opcode::f64_copysign>(kSignallingNan64, 1.0)) == 0x7ff4'0000'0000'0001);
    REQUIRE(run<Opcode::i32_reinterpret_f32>(kSignallingNan32) ==
            static_cast<std::int32_t>(0xffa0'0001));
}

TEST_CASE("the minimum of zeros is the negative one", "[wasm]") {
    REQUIRE(bits(run<Opcode::f32_min>(0.0F, -0.0F)) == bits(-0.0F));
    REQUIRE(bits(run<Opcode::f32_max>(-0.0F, 0.0F)) == bits(0.0F));
    REQUIRE(bits(run<Opcode::f64_min>(-0.0, 0.0)) == bits(-0.0));
    REQUIRE(run<Opcode::f64_max>(-kInfinity64, 3.0) == 3.0);
}

TEST_CASE("nearest rounds ties to the even number and keeps the sign of zero", "[wasm]") {
    REQUIRE(run<Opcode::f64_nearest>(0.5) == 0.0);
    REQUIRE(run<Opcode::f64_nearest>(1.5) == 2.0);
    REQUIRE(run<Opcode::f64_nearest>(-2.5) == -2.0);
    REQUIRE(bits(run<Opcode::f32_nearest>(-0.3F)) == bits(-0.0F));
    REQUIRE(bits(run<Opcode::f32_trunc>(-0.7F)) == bits(-0.0F));
    REQUIRE(run<Opcode::f32_ceil>(-1.5F) == -1.0F);
    REQUIRE(run<Opcode::f64_floor>(-1.5) == -2.0);
}

TEST_CASE("a truncation traps just outside of its range", "[wasm]") {
    REQUIRE(run<Opcode::i32_trunc_f64_s>(2147483647.9) == INT32_MAX);
    REQUIRE(run<Opcode::i32_trunc_f64_s>(2147483648.0) == Trap::integer_overflow);
    REQUIRE(run<Opcode::i32_trunc_f64_s>(-2147483648.9) == INT32_MIN);
    REQUIRE(run<Opcode::i32_trunc_f64_u>(-0.99) == 0);
    REQUIRE(run<Opcode::i32_trunc_f64_u>(-1.0) == Trap::integer_overflow);
    REQUIRE(run<Opcode::i32_trunc_f64_u>(4294967295.9) == -1);
    REQUIRE(run<Opcode::i32_trunc_f32_s>(-2147483904.0F) == Trap::integer_overflow);
    REQUIRE(run<Opcode::i64_trunc_f64_s>(-9223372036854775808.0) == INT64_MIN);
    REQUIRE(run<Opcode::i64_trunc_f64_s>(9223372036854775808.0) == Trap::integer_overflow);
    REQUIRE(run<Opcode::i64_trunc_f32_u>(18446742974197923840.0F) == -1099511627776);
    REQUIRE(run<Opcode::i64_trunc_f64_u>(18446744073709551616.0) == Trap::integer_overflow);
    REQUIRE(run<Opcode::i32_trunc_f32_s>(kSignallingNan32) == Trap::invalid_conversion);
}

TEST_CASE("a saturating truncation ends at the ends of its range", "[wasm]") {
    REQUIRE(run<Opcode::i32_trunc_sat_f32_s>(kInfinity32) == INT32_MAX);
    REQUIRE(run<Opcode::i32_trunc_sat_f64_s>(-1e300) == INT32_MIN);
    REQUIRE(run<Opcode::i32_trunc_sat_f64_u>(-5.0) == 0);
    REQUIRE(run<Opcode::i64_trunc_sat_f64_u>(kInfinity64) == -1);
    REQUIRE(run<Opcode::i64_trunc_sat_f64_s>(kSignallingNan64) == 0);
}

TEST_CASE("conversions from integers round to nearest", "[wasm]") {
    REQUIRE(run<Opcode::f32_convert_i32_s>(16777217) == 16777216.0F);
    REQUIRE(run<Opcode::f32_convert_i32_u>(-1) == 4294967296.0F);
    REQUIRE(run<Opcode::f64_convert_i64_u>(std::int64_t{-1}) == 18446744073709551616.0);
    REQUIRE(run<Opcode::f64_convert_i64_s>(INT64_MIN) == -9223372036854775808.0);
}

TEST_CASE("loads extend and stores cut off", "[wasm]") {
    REQUIRE(MemoryMeaning<Opcode::i32_load8_s>::eval(std::int8_t{-1}) == -1);
    REQUIRE(MemoryMeaning<Opcode::i32_load8_u>::eval(0xff) == 255);
    REQUIRE(MemoryMeaning<Opcode::i64_load32_u>::eval(0xffff'ffff) == 4294967295);
    REQUIRE(MemoryMeaning<Opcode::i64_store16>::eval(0x1'2345) == 0x2345);
    REQUIRE(access_bytes(Opcode::i64_store32) == 4);
    REQUIRE(access_bytes(Opcode::f64_load) == 8);
    REQUIRE(access_bytes(Opcode::i32_add) == 0);
}
