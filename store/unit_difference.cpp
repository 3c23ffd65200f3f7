#include "store/unit_difference.hpp"

#include "store/internal/lmdb_family.hpp"
#include "store/internal/memory_family.hpp"

namespace sojourn::store {

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
