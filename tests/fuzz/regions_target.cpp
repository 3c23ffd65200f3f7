#include "heap/internal/region_table.hpp"
#include "tests/fuzz/seeds.hpp"

namespace sojourn::fuzz {

using namespace heap;

Seeds seeds_of_regions() {
    RegionTable table{16384, {}};
    for (std::uint32_t id = 1; id <= 3; ++id)
        table.rows.push_back({RegionId{id}, RegionKind{id}, id * kPageBytes, 16 * kPageBytes});
    const ByteVector rows = encode_region_table(table);
    const WorkingSet working_set{{RegionId{1}, 2, 3}, {RegionId{2}, 1, 0}};
    return {encode_attachment(rows, {}, {}),
            encode_attachment(rows, working_set, as_bytes("the rest"))};
}

void run_regions(Bytes input) {
    static_cast<void>(decode_attachment(input));
}

}  // namespace sojourn::fuzz
