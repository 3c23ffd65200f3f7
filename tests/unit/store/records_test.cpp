#include "store/internal/records.hpp"

#include <catch2/catch.hpp>

using namespace sojourn;
using namespace sojourn::store;

TEST_CASE("a list of written units that names more than a list holds is refused", "[store]") {
    const UnitRun most{RegionId{1}, kListUnitsMax, UnitIndex{7}};
    const UnitRun one{RegionId{2}, 1, UnitIndex{0}};
    const UnitRun hostile{RegionId{1}, UINT32_MAX, UnitIndex{0}};

    REQUIRE(decode_runs(encode_runs({})).value().empty());
    REQUIRE(decode_runs(encode_runs(std::vector{most})).ok());
    REQUIRE(decode_runs(encode_runs(std::vector{most, one})).error().code == ErrorCode::corrupt);
    REQUIRE(decode_runs(encode_runs(std::vector{hostile})).error().code == ErrorCode::corrupt);
}
