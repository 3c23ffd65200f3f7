#include "tools/vm/volume_reference.hpp"

#include <cerrno>

#include "base/printable.hpp"

namespace sojourn::tools {

namespace {

/// As the host calls it; EIO for what it does not know.
int host_errno_of(leases::Errno error) {
    switch (error) {
#define ERRNO(name, number, host) \
    case leases::Errno::name:     \
        return host == 0 ? EIO : host;
#include "leases/errno.def"
#undef ERRNO
    }
    return EIO;
}

std::string names_of(leases::Volumes& volumes) {
    std::string names;
    for (const leases::DiskId id : volumes.all()) {
        const auto volume = volumes.find(id);
        if (volume.ok()) names += (names.empty() ? "" : ", ") + (*volume)->name();
    }
    return names.empty() ? "none" : names;
}

}  // namespace

std::string VolumeReference::text() const {
    return fmt::format("{}:/{}", volume, path == "." ? "" : printable(path));
}

Result<std::optional<VolumeReference>> parse_volume_reference(const std::string& text) {
    const auto colon = text.find(':');
    if (colon == std::string::npos || colon > text.find('/'))
        return std::optional<VolumeReference>();
    VolumeReference reference;
    reference.process = TRY(process::Reference::parse(text.substr(0, colon)));
    const std::string rest = text.substr(colon + 1);
    const auto slash = rest.find('/');
    reference.volume = rest.substr(0, slash);
    const auto first = slash == std::string::npos ? slash : rest.find_first_not_of('/', slash);
    reference.path = first == std::string::npos ? "." : rest.substr(first);
    if (reference.volume.empty() || leases::is_volume_name(reference.volume))
        return std::optional(std::move(reference));
    return fail(ErrorCode::invalid_argument, "'{}' names no volume; write N[@ID]:NAME/PATH", text);
}

Result<leases::Volume*> find_volume(leases::Volumes& volumes, const VolumeReference& reference) {
    const auto found = TRY(volumes.find(reference.volume));
    if (found) return volumes.find(*found);
    return fail(ErrorCode::not_found, "process '{}' has no volume '{}'; it has: {}",
                reference.process.process, reference.volume, names_of(volumes));
}

Result<std::unique_ptr<process::StoredVolumes>> open_stored_volumes(
    const Invocation& invocation, store::Store& store, const VolumeReference& reference) {
    const auto record = TRY(process::find(store, reference.process.process));
    const auto named = TRY(process::checkpoint_of(store, record, reference.process));
    const auto checkpoint = named.value_or(record.head);
    if (checkpoint == store::kNoVersion) {
        const bool has_ended = record.state == store::ProcessState::exited;
        return fail(ErrorCode::not_found, "process '{}' {}", process::display_name(record),
                    has_ended ? "ended without a checkpoint, which one with a volume does not"
                              : "has no checkpoint to look into; vm checkpoint or vm suspend makes "
                                "one");
    }
    return process::StoredVolumes::open(store, record, checkpoint, invocation.clock);
}

Error error_of(leases::Errno error, const std::string& what) {
    // Nothing but what is on the disk answers this.
    if (error == leases::Errno::io)
        return fail(ErrorCode::corrupt, "{} can't be read: the volume is damaged", what);
    return fail_errno(host_errno_of(error), "{}", what);
}

}  // namespace sojourn::tools
