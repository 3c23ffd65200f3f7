#pragma once

#include <vector>

#include "base/bytes.hpp"
#include "base/sha256.hpp"
#include "store/family.hpp"

/// What a checkpoint holds besides pages, as one byte string (docs/formats/attachment.md).
namespace sojourn::process {

/// Which of the program's two entries is under way: a checkpoint may lie in either. On disk.
enum class Stage : std::uint32_t {
    start_function = 1,  ///< the module's own start function; `_start` comes after it
    main = 2,            ///< `_start`
    ended = 3,           ///< neither any more: what is left of the process can be looked into
};

/// Which moment of a process's files a checkpoint is of. On disk.
struct FileMoment {
    store::ProcessId process;    ///< whose history it is; zero: nothing of files was noted
    std::uint64_t position = 0;  ///< a leases::HistoryPosition

    bool operator==(const FileMoment&) const = default;
};

/// The parts are opaque here; each has a version of its own.
struct Attachment {
    Stage stage = Stage::main;
    std::int32_t exit_code = 0;   ///< for the shell, when ended
    std::vector<Sha256> modules;  ///< what the store must keep for this checkpoint to restore
    Bytes machine;                ///< vm::Machine::capture
    Bytes host;                   ///< vm::Dispatcher::capture
    Bytes leases;                 ///< leases::LeaseManager::capture
    FileMoment files = {};
};

ByteVector encode_attachment(const Attachment& attachment);

/// The parts are views into `bytes`. Trusts nothing. Errors: corrupt, unsupported_format.
Result<Attachment> decode_attachment(Bytes bytes);

/// The attachment of a checkpoint, of which the parts are left out. Errors: as modules_of().
Result<FileMoment> file_moment_of(const store::Family& family, store::Version checkpoint);

/// The modules that a checkpoint needs. Errors: not_found, corrupt, unsupported_format.
Result<std::vector<Sha256>> modules_of(const store::Family& family, store::Version checkpoint);

}  // namespace sojourn::process
