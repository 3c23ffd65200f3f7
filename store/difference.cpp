#include "store/difference.hpp"

#include <algorithm>

#include "store/internal/lmdb_family.hpp"
#include "store/internal/memory_family.hpp"

namespace sojourn::store {

namespace {

Result<void> collect(const ReadPoint& point, std::vector<UnitKey>& keys) {
    return point.family.for_each_unit(point.view, [&](UnitKey key, Bytes) -> Result<void> {
        keys.push_back(key);
        return {};
    });
}

}  // namespace

Result<void> for_each_difference(const ReadPoint& left, const ReadPoint& right,
                                 const std::function<Result<void>(UnitKey key)>& visit) {
    const auto* family = dynamic_cast<const LmdbFamily*>(&left.family);
    std::vector<UnitKey> keys;
    if (family != nullptr && &left.family == &right.family) {
        keys = TRY(family->differing_units(left.view, right.view));
    } else {
        TRY(collect(left, keys));
        TRY(collect(right, keys));
        std::ranges::sort(keys);
        keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    }
    for (const UnitKey key : keys)
        TRY(visit(key));
    return {};
}

Result<void> for_each_difference(
    const Family& family, Version from, Version to,
    const std::function<Result<void>(UnitKey key, Bytes value)>& visit) {
    if (const auto* lmdb = dynamic_cast<const LmdbFamily*>(&family)) {
        return lmdb->for_each_difference(from, to, visit);
    }
    const auto* memory = dynamic_cast<const MemoryFamily*>(&family);
    EXPECTS(memory != nullptr, "a store has families of two kinds");
    return memory->for_each_difference(from, to, visit);
}

}  // namespace sojourn::store
