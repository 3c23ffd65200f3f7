#pragma once

#include <functional>

#include "store/store.hpp"

/// Images: one checkpoint of a process, and all that it needs, as one file or stream that another
/// store takes in (docs/formats/image.md). Framed, versioned, checksummed.
namespace sojourn::store {

/// Takes or gives the next bytes of a stream.
using ByteSink = std::function<Result<void>(Bytes bytes)>;
/// Fills `out` from its start and returns how much; 0 is the end.
using ByteSource = std::function<Result<std::size_t>(MutableBytes out)>;

struct ImageSummary {
    ProcessRecord process;  ///< as imported; as in the store for an export
    CheckpointInfo checkpoint;
    std::uint64_t unit_count = 0;
    std::uint64_t image_bytes = 0;
};

/// Writes `checkpoint` of `process` with the modules that `modules` names.
Result<ImageSummary> export_image(Store& store, const ProcessRecord& process, Version checkpoint,
                                  std::span<const Sha256> modules, const ByteSink& sink);

/// Makes a new process, suspended, with a new id and a generation of its own, out of an image.
/// Named as in the image unless `name` is given. Until the whole image has been read and verified,
/// the store shows nothing of it. Errors: already_exists (the name), corrupt, unsupported_format,
/// io.
Result<ImageSummary> import_image(Store& store, const ByteSource& source, const std::string& name);

}  // namespace sojourn::store
