#include "heap/internal/region_table.hpp"

#include <catch2/catch.hpp>

using namespace sojourn;
using namespace sojourn::heap;

namespace {

RegionTable sample() {
    return {16384,
            {{RegionId{1}, RegionKind::memory, 65536, std::uint64_t{8} << 30U},
             {RegionId{2}, RegionKind::frames, 0, 4096}}};
}

ErrorCode refusal_of(const RegionTable& table) {
    const ByteVector bytes = encode_attachment(encode_region_table(table), {}, {});
    return decode_attachment(bytes).error().code;
}

}  // namespace

TEST_CASE("a region table is read as it was written, and what follows is left alone", "[heap]") {
    const WorkingSet working_set{{RegionId{1}, 2, 3}};
    const ByteVector bytes =
        encode_attachment(encode_region_table(sample()), working_set, as_bytes("machine"));

    const auto decoded = decode_attachment(bytes);

    REQUIRE(decoded.ok());
    REQUIRE(decoded->table.unit_bytes == 16384);
    REQUIRE(decoded->table.rows == sample().rows);
    REQUIRE(decoded->working_set == working_set);
    REQUIRE(as_text(decoded->rest) == "machine");
}

TEST_CASE("a region table that is cut short anywhere is corrupt", "[heap]") {
    const ByteVector bytes = encode_attachment(encode_region_table(sample()), {{}}, {});

    for (std::size_t length = 0; length < bytes.size(); ++length)
        REQUIRE(decode_attachment(Bytes(bytes).first(length)).error().code == ErrorCode::corrupt);
}

TEST_CASE("a region table of another format says so", "[heap]") {
    ByteVector bytes = encode_region_table(sample());
    bytes[4] = std::byte{3};

    const auto decoded = decode_attachment(bytes);

    REQUIRE(decoded.error().code == ErrorCode::unsupported_format);
    REQUIRE(decoded.error().message == "heap format 3, this build reads 2");
}

TEST_CASE("an attachment that is not a heap's is corrupt", "[heap]") {
    REQUIRE(decode_attachment(as_bytes("something else")).error().code == ErrorCode::corrupt);
}

TEST_CASE("a row that no heap could have written is corrupt", "[heap]") {
    RegionTable table = sample();
    RegionRow& row = table.rows[1];

    SECTION("an id out of order") {
        row.id = RegionId{1};
    }
    SECTION("a kind that does not exist") {
        row.kind = RegionKind{7};
    }
    SECTION("a size that is not whole pages") {
        row.size_bytes = 1;
    }
    SECTION("a size beyond the reservation") {
        row.size_bytes = 8192;
    }
    SECTION("a reservation that is not whole pages") {
        row.reserve_bytes = 4097;
    }
    SECTION("a reservation beyond all address space") {
        row.reserve_bytes = std::uint64_t{1} << 60U;
    }

    REQUIRE(refusal_of(table) == ErrorCode::corrupt);
}
