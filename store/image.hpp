#pragma once

#include <functional>

#include "store/store.hpp"

/// Images: checkpoints of a process, and all that they need, as one file or stream that another
/// store takes in (docs/formats/image.md). Framed, versioned, checksummed.
namespace sojourn::store {

/// Takes or gives the next bytes of a stream. A sink may be called on a thread of the writer's.
using ByteSink = std::function<Result<void>(Bytes bytes)>;
/// Fills `out` from its start and returns how much; 0 is the end.
using ByteSource = std::function<Result<std::size_t>(MutableBytes out)>;

/// Which checkpoint it is, in whatever store: SHA-256 of its time and its attachment, which images
/// carry unchanged.
Sha256 checkpoint_identity(std::uint64_t time_us, Bytes attachment);
/// The same of a stored one. Errors: not_found, corrupt.
Result<Sha256> checkpoint_identity(const Family& family, Version checkpoint);

/// What of a process goes into an image.
struct ImageContent {
    std::vector<Version> checkpoints;  ///< by id, at least one
    Version head =
        kNoVersion;  ///< where the process stands that comes out: one of them, or the base
    Version base = kNoVersion;    ///< what the receiver has; kNoVersion: nothing
    std::vector<Sha256> modules;  ///< what they need, and the base does not
};

struct ExportSummary {
    std::uint64_t unit_count = 0;
    std::uint64_t image_bytes = 0;
};

/// Writes checkpoints of `process`: the first in full, each other one as its difference from the
/// nearest that is in the image or is the base. The same content gives the same bytes.
/// Errors: not_found, corrupt, those of the sink.
Result<ExportSummary> export_image(Store& store, const ProcessRecord& process,
                                   const ImageContent& content, const ByteSink& sink);

/// The checkpoint that the receiver of a difference must have.
struct ImageBase {
    Version version = kNoVersion;  ///< its number where the image was made
    std::uint64_t time_us = 0;
    Sha256 identity;
};

/// How an image begins.
struct ImageHeader {
    std::uint32_t format = 0;
    std::uint32_t unit_bytes = 0;
    std::uint64_t generation = 0;
    std::string process_name;  ///< empty: unnamed
    Version head = kNoVersion;
    std::optional<ImageBase> base;  ///< nullopt: the image is complete
};

/// How a checkpoint in an image begins. The numbers are those of the store that made the image.
struct ImageCheckpoint {
    CheckpointInfo info;  ///< `parent` is what its units are a difference from; kNoVersion: nothing
    std::optional<Sha256> identity;  ///< nullopt in format 1
};

/// What read_image() shows, in the order of the image: the header, modules, and of each checkpoint
/// its beginning, units and attachment. The first error ends the reading.
class ImageVisitor {
public:
    virtual ~ImageVisitor() = default;
    virtual Result<void> on_header(const ImageHeader& header) = 0;
    virtual Result<void> on_module(const Sha256& digest, Bytes module) = 0;
    virtual Result<void> on_checkpoint(const ImageCheckpoint& checkpoint) = 0;
    virtual Result<void> on_units(std::vector<EncodedUnit> units) = 0;
    virtual Result<void> on_attachment(ByteVector attachment) = 0;
};

struct ImageTotals {
    std::uint64_t modules = 0;
    std::uint64_t checkpoints = 0;
    std::uint64_t units = 0;
    std::uint64_t bytes = 0;
};

/// Reads an image from front to back and believes nothing of it: what the visitor is shown has been
/// verified by itself, the whole when this returns. Errors: corrupt, unsupported_format, those of
/// the source and of the visitor.
Result<ImageTotals> read_image(const ByteSource& source, ImageVisitor& visitor);

struct ImportOptions {
    /// Of the process that is made, or that a difference is put onto; empty: as in the image.
    std::string name = {};
    /// Called with the process that a difference is put onto before anything of it is changed, for
    /// whoever has to keep its runners away. Errors: any; then nothing is changed.
    std::function<Result<void>(const ProcessRecord&)> hold = {};
    /// Called with the process as it will be, last, before others see it, for whoever can tell
    /// whether its state makes sense. `modules` gives those of the image and of the store. Errors:
    /// any; then the import fails.
    std::function<Result<void>(std::shared_ptr<Family> family, FencingToken token,
                               const std::function<Result<ByteVector>(const Sha256&)>& modules)>
        check = {};
};

struct ImportSummary {
    ProcessRecord process;  ///< as it is now
    std::uint64_t checkpoints_added = 0;
    ImageTotals image;
};

/// Makes a new process, suspended, with a new id and a generation of its own, out of an image;
/// until the whole image has been verified, the store shows nothing of it. An image that is a
/// difference is put onto the process that has its base instead, which stands at the image's head
/// then, suspended; what goes wrong is taken back, and checkpoints that are there already are not
/// added again.
/// Errors: already_exists (the name), not_found (the base), corrupt, unsupported_format,
/// unsupported (units of another size), io, store_full.
Result<ImportSummary> import_image(Store& store, const ByteSource& source,
                                   const ImportOptions& options);

}  // namespace sojourn::store
