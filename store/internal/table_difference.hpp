#pragma once

#include "store/internal/environment.hpp"

namespace sojourn::store {

/// Makes the tables of another database, which are as they are in `before`, what they are in
/// `after`: two moments of one environment. Only keys are compared: an entry that lies where it lay
/// has not been touched, as pages that are being read are not written to.
Result<void> carry_over(const ReadTransaction& before, const ReadTransaction& after,
                        WriteTransaction& other);

}  // namespace sojourn::store
