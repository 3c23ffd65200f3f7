#pragma once

#include <string>

/// The last line of defence against a damaged database: LMDB believes what it maps, so reading a
/// tree with flipped bits may fault or abort inside of it.
namespace sojourn::store {

/// From now on, a fault or an abort in a thread that is using a database ends this host process
/// with `exit_code` and one line on stderr, `prefix` first, which names the database and the
/// remedy. Any other goes to the handler that was there before. Call once, before the first heap
/// is made: a heap hands on the faults that are not its own.
void end_process_on_damage(const std::string& prefix, int exit_code);

}  // namespace sojourn::store
