#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/random.hpp"
#include "store/family.hpp"

namespace sojourn::store {

/// The location that is no directory.
inline constexpr std::string_view kMemoryLocation = "mem:";

constexpr bool is_unit_bytes(std::uint64_t bytes) {
    return bytes == 4096 || bytes == kUnitBytesDefault || bytes == kUnitBytesMax;
}

struct OpenOptions {
    bool create = true;  ///< make the directory when it is not there
    bool sync = true;    ///< false: a commit survives the process, not the machine (for tests)
    std::size_t unit_bytes = kUnitBytesDefault;  ///< for a store that is created
    /// The directory of another store, which keeps the processes instead: `create` is about that
    /// one then. Noted for good, so that it need not be given again. Empty: as noted.
    std::string checkpoint_location = {};
};

struct NewProcess {
    std::string name;  ///< empty: unnamed
    std::uint64_t generation = 0;
    std::uint64_t created_us = 0;  ///< realtime since 1970; 0: now, by the host's clock
    /// A copy is `running` from the first, and its maker the one who may act for it.
    bool is_acquired = false;
};

/// A process that only its maker sees yet, so that it can be filled first. Dropped without
/// publish(), it leaves nothing behind. Borrows the store.
class ProcessDraft {
public:
    virtual ~ProcessDraft() = default;

    [[nodiscard]] virtual const ProcessRecord& record() const = 0;
    /// The new family, with this one process.
    [[nodiscard]] virtual std::shared_ptr<Family> family() const = 0;
    /// Shows the process to everybody; durable when it returns. Call once.
    /// Errors: already_exists (the name was taken meanwhile), store_full, io.
    virtual Result<void> publish() = 0;
};

/// Processes, their memory and their history, kept in a directory (docs/formats/store.md):
///
///     catalogue/        names, processes, modules by SHA-256, the node's identity
///     families/<id>/    one environment a family: pages, checkpoints, epochs
///     run/              the runners' locks and control sockets
///
/// or in memory (`mem:`), for runs that leave nothing behind and as the twin that tests compare
/// with. Any number of host processes may have a directory open at once.
///
/// A directory may leave all this to another one, its *checkpoint store*, and be the place of
/// working heaps alone. Opening it opens the other; locks and sockets are there only, so that a
/// process has one owner whichever way it is addressed.
class Store {
public:
    /// `location` is a directory or `mem:`. Errors: not_found, unsupported_format,
    /// permission_denied (each names the path and the remedy), unsupported for a network file
    /// system and for units that differ from the checkpoint store's, already_exists when there are
    /// processes or another checkpoint store is noted. Borrows `random` for the store's life.
    static Result<std::unique_ptr<Store>> open(const std::string& location,
                                               const OpenOptions& options, Random& random);
    virtual ~Store() = default;

    virtual std::size_t unit_bytes() const = 0;

    /// Where the processes are; empty for a store in memory.
    virtual std::filesystem::path directory() const = 0;

    /// Where runners keep locks and sockets; empty for a store in memory.
    virtual std::filesystem::path run_directory() const = 0;

    /// Where runners put what does not fit the memory of a working heap; empty: no matter where.
    virtual std::filesystem::path scratch_directory() const = 0;

    /// Where the history of a process's files is kept (docs/formats/file_history.md), beside its
    /// database, and gone with it; empty for a store in memory. It need not be there.
    virtual std::filesystem::path file_history_directory(const ProcessRecord& process) const = 0;

    /// Keeps a module under its digest; keeping one twice costs a look-up.
    virtual Result<Sha256> put_module(Bytes module) = 0;
    /// Errors: not_found; corrupt when the bytes do not have that digest any more.
    virtual Result<ByteVector> module(const Sha256& digest) const = 0;

    /// A process of a new family, in state `created`, that nobody sees yet.
    /// Errors: already_exists (the name is taken), invalid_argument (it is no name), store_full.
    virtual Result<std::unique_ptr<ProcessDraft>> draft_process(const NewProcess& process) = 0;

    /// draft_process() and publish() at once.
    Result<ProcessRecord> create_process(const NewProcess& process);

    /// Copies of a process that stand, suspended or acquired, at a checkpoint of its history. They
    /// are of the same family and share every page with it, and are granted what it was granted
    /// here. All are there, durably, or none is. Errors: not_found, already_exists (a name),
    /// invalid_argument, store_full.
    virtual Result<std::vector<ProcessRecord>> fork_process(const ProcessRecord& process,
                                                            Version checkpoint,
                                                            std::span<const NewProcess> copies) = 0;

    /// By name, else by id or an unambiguous prefix of at least 4 digits. Errors: not_found.
    virtual Result<ProcessRecord> find_process(const std::string& name_or_id) const = 0;
    /// By creation time, then id.
    virtual Result<std::vector<ProcessRecord>> processes() const = 0;

    /// As processes(), by the catalogue alone: ids, families and names. Damaged families do not
    /// matter to it.
    virtual Result<std::vector<ProcessRecord>> listed() const = 0;
    /// What does not hold in the catalogue and its modules, one sentence each.
    virtual Result<std::vector<std::string>> verify_catalogue() const = 0;

    /// What the user of this host lets the process reach, opaque here; empty: nothing. It is kept
    /// beside the process, in none of its checkpoints and in no image. Errors: not_found, corrupt.
    virtual Result<ByteVector> grants(ProcessId id) const = 0;
    /// Durable when it returns. Errors: not_found, store_full, io.
    virtual Result<void> set_grants(ProcessId id, Bytes grants) = 0;

    /// Removes a process and its history, but for what the others of its family grew from; its
    /// family's files go when no process is left in it. The caller makes sure that no runner is
    /// alive.
    virtual Result<void> remove_process(ProcessId id) = 0;

    /// The family's environment; the store keeps one object a family and lends it out.
    virtual Result<std::shared_ptr<Family>> family(FamilyId id) = 0;
};

}  // namespace sojourn::store
