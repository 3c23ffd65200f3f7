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

}  // namespace sojourn::store
