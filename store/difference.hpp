#pragma once

#include <functional>

#include "store/family.hpp"

namespace sojourn::store {

/// What can be read in full.
struct ReadPoint {
    const Family& family;
    View view;
};

/// Calls `visit`, in key order, with each unit of which the two do not see one and the same stored
/// value; the bytes may be equal nevertheless. In one family no value is read for it, and what both
/// have from the same version costs next to nothing; of two families it is every unit that either
/// has. Stops at the first error `visit` returns. Errors besides: not_found, corrupt, io.
Result<void> for_each_difference(const ReadPoint& left, const ReadPoint& right,
                                 const std::function<Result<void>(UnitKey key)>& visit);

/// Calls `visit`, in key order, with each unit, encoded, that checkpoint `to` of a family sees
/// otherwise than checkpoint `from`; with zeros for one that only `from` has. It stops at the first
/// error `visit` returns. What both have from the same version costs next to nothing.
/// Requires: the family is one of a store's own. Errors besides: not_found, corrupt, io.
Result<void> for_each_difference(
    const Family& family, Version from, Version to,
    const std::function<Result<void>(UnitKey key, Bytes value)>& visit);

}  // namespace sojourn::store
