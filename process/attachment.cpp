#include "process/attachment.hpp"

#include "heap/heap.hpp"

namespace sojourn::process {

namespace {

constexpr std::uint32_t kMagic = 0x41504a53;  // "SJPA"
constexpr std::uint32_t kVersion = 2;
constexpr std::string_view kSubject = "a checkpoint's attachment";

/// On disk. Sections stand in this order, each exactly once.
enum class Tag : std::uint32_t {
    stage = 1,
    modules = 2,
    machine = 3,
    host = 4,
    leases = 5,
    files = 6
};

struct Header {
    std::uint32_t magic;
    std::uint32_t version;
};

struct SectionHeader {
    Tag tag;
    std::uint32_t reserved;
    std::uint64_t size_bytes;
};
static_assert(sizeof(SectionHeader) == 16);
static_assert(sizeof(FileMoment) == 24);
static_assert(std::has_unique_object_representations_v<FileMoment>);

void put_section(ByteWriter& out, Tag tag, Bytes content) {
    out.put(SectionHeader{tag, 0, content.size()});
    out.put_bytes(content);
}

Result<Bytes> get_section(ByteReader& in, Tag tag) {
    const auto header = TRY(in.get<SectionHeader>());
    if (header.tag != tag || header.reserved != 0) {
        return fail(ErrorCode::corrupt, "{} has section {} where section {} belongs", kSubject,
                    static_cast<std::uint32_t>(header.tag), static_cast<std::uint32_t>(tag));
    }
    return in.get_bytes(header.size_bytes);
}

void put_stage(ByteWriter& out, const Attachment& attachment) {
    ByteWriter stage;
    stage.put(attachment.stage);
    if (attachment.stage == Stage::ended) stage.put(attachment.exit_code);
    put_section(out, Tag::stage, stage.view());
}

Result<void> decode_stage(Bytes content, Attachment& attachment) {
    ByteReader in(content, "the stage of a checkpoint");
    attachment.stage = TRY(in.get<Stage>());
    if (attachment.stage == Stage::ended) attachment.exit_code = TRY(in.get<std::int32_t>());
    TRY(in.expect_end());
    if (attachment.stage >= Stage::start_function && attachment.stage <= Stage::ended) return {};
    return fail(ErrorCode::corrupt, "a checkpoint is in stage {}, which there is not",
                static_cast<std::uint32_t>(attachment.stage));
}

Result<std::vector<Sha256>> decode_modules(Bytes content) {
    if (content.empty() || content.size() % sizeof(Sha256) != 0) {
        return fail(ErrorCode::corrupt, "{} bytes are no list of modules", content.size());
    }
    std::vector<Sha256> modules(content.size() / sizeof(Sha256));
    std::memcpy(modules.data(), content.data(), content.size());
    return modules;
}

Result<FileMoment> decode_files(Bytes content) {
    ByteReader in(content, "the moment of a checkpoint's files");
    const auto moment = TRY(in.get<FileMoment>());
    TRY(in.expect_end());
    return moment;
}

}  // namespace

ByteVector encode_attachment(const Attachment& attachment) {
    ByteWriter out;
    out.put(Header{kMagic, kVersion});
    put_stage(out, attachment);
    put_section(out, Tag::modules, std::as_bytes(std::span(attachment.modules)));
    put_section(out, Tag::machine, attachment.machine);
    put_section(out, Tag::host, attachment.host);
    put_section(out, Tag::leases, attachment.leases);
    put_section(out, Tag::files, std::as_bytes(std::span(&attachment.files, 1)));
    return out.take();
}

Result<Attachment> decode_attachment(Bytes bytes) {
    ByteReader in(bytes, kSubject);
    const auto header = TRY(in.get<Header>());
    if (header.magic != kMagic) {
        return fail(ErrorCode::corrupt, "{} does not begin as one", kSubject);
    }
    if (header.version != kVersion) {
        return fail(ErrorCode::unsupported_format, "{} has version {}, this build reads {}",
                    kSubject, header.version, kVersion);
    }
    Attachment attachment;
    const Bytes stage = TRY(get_section(in, Tag::stage));
    TRY(decode_stage(stage, attachment));
    const Bytes modules = TRY(get_section(in, Tag::modules));
    attachment.modules = TRY(decode_modules(modules));
    attachment.machine = TRY(get_section(in, Tag::machine));
    attachment.host = TRY(get_section(in, Tag::host));
    attachment.leases = TRY(get_section(in, Tag::leases));
    const Bytes files = TRY(get_section(in, Tag::files));
    attachment.files = TRY(decode_files(files));
    TRY(in.expect_end());
    return attachment;
}

Result<FileMoment> file_moment_of(const store::Family& family, store::Version checkpoint) {
    const ByteVector stored = TRY(family.read_attachment(checkpoint));
    const Bytes committed = TRY(heap::committed_attachment(stored));
    const auto attachment = TRY(decode_attachment(committed));
    return attachment.files;
}

Result<std::vector<Sha256>> modules_of(const store::Family& family, store::Version checkpoint) {
    const ByteVector stored = TRY(family.read_attachment(checkpoint));
    const Bytes committed = TRY(heap::committed_attachment(stored));
    auto attachment = TRY(decode_attachment(committed));
    return std::move(attachment.modules);
}

}  // namespace sojourn::process
