#include "heap/internal/region_table.hpp"
#include "tests/fuzz/seeds.hpp"

namespace sojourn::fuzz {

using namespace heap;

Seeds seeds_of_regions() {
    RegionTable table{16384, {}};
    for (std::uint32_t id = 1; id <= 3; ++id)
        table.rows.push_back({RegionId{id}, RegionKind{id}, id * kPageBytes, 16 * kPageBytes});
    const ByteVector rows = encode_region_table(table);
    ByteVector with_rest = rows;
    const Bytes rest = as_bytes("the rest");
    with_rest.insert(with_rest.end(), rest.begin(), rest.end());
    return {rows, with_rest};
}

void run_regions(Bytes input) {
    static_cast<void>(decode_attachment(input));
}

}  // namespace sojourn::fuzz
