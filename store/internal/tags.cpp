#include "store/internal/tags.hpp"

#include <algorithm>
#include <map>

namespace sojourn::store {

namespace {

constexpr TableIndex kFamily = index_of(FamilyTable::family);
constexpr std::string_view kPrefix = "tag ";
constexpr std::size_t kTagBytesMax = 200;

struct Tag {
    Version checkpoint = kNoVersion;
    std::string name;
};

/// `tag `, the checkpoint's number and the name: a checkpoint's tags lie next to each other.
ByteVector key_of_tag(Version checkpoint, std::string_view name) {
    ByteWriter writer;
    writer.put_bytes(as_bytes(kPrefix));
    writer.put_bytes(make_key(checkpoint));
    writer.put_bytes(as_bytes(name));
    return writer.take();
}

Result<Tag> decode_tag(Bytes key, Bytes value) {
    ByteReader reader(TRY(unseal(value, "a tag")), "a tag");
    Tag tag;
    tag.checkpoint = TRY(reader.get<Version>());
    tag.name = TRY(reader.get_string());
    TRY(reader.expect_end());
    if (std::ranges::equal(key, key_of_tag(tag.checkpoint, tag.name))) return tag;
    return fail(ErrorCode::corrupt, "the tag '{}' of checkpoint {} has another one's key", tag.name,
                plain(tag.checkpoint));
}

/// Those whose keys begin with `prefix`.
Result<std::vector<Tag>> tags_below(const Transaction& transaction, Bytes prefix) {
    std::vector<Tag> tags;
    Cursor cursor = transaction.cursor(kFamily);
    for (bool found = TRY(cursor.seek(prefix)); found; found = TRY(cursor.next())) {
        const Bytes key = cursor.key();
        if (key.size() < prefix.size() || !std::ranges::equal(key.first(prefix.size()), prefix))
            break;
        tags.push_back(TRY(decode_tag(key, cursor.value())));
    }
    return tags;
}

/// One whose checkpoint is not there does not count.
Result<bool> is_of_process(const Transaction& transaction, const Tag& tag, ProcessId process) {
    const auto info = read_checkpoint(transaction, tag.checkpoint);
    if (info.ok()) return info->process == process;
    if (info.error().code == ErrorCode::not_found) return false;
    return info.error();
}

}  // namespace

Result<void> check_tag(const std::string& tag) {
    if (!tag.empty() && tag.size() <= kTagBytesMax) return {};
    return fail(ErrorCode::invalid_argument, "'{}' cannot be a tag: it takes 1 to {} bytes", tag,
                kTagBytesMax);
}

Error tag_taken(const std::string& tag, Version by) {
    return fail(ErrorCode::already_exists,
                "checkpoint {} has the tag '{}' already: choose another, or move it", plain(by),
                tag);
}

Error no_tag(const std::string& tag, Version checkpoint) {
    return fail(ErrorCode::not_found, "checkpoint {} has no tag '{}'", plain(checkpoint), tag);
}

Error tagged_error(Version checkpoint, const std::vector<std::string>& tags) {
    return fail(ErrorCode::busy, "checkpoint {} has the tag '{}', so that only its name removes it",
                plain(checkpoint), tags.front());
}

Result<void> put_tag(WriteTransaction& transaction, Version checkpoint, const std::string& tag,
                     bool moves) {
    TRY(check_tag(tag));
    const CheckpointInfo info = TRY(read_checkpoint(transaction, checkpoint));
    for (const Tag& other : TRY(tags_below(transaction, as_bytes(kPrefix)))) {
        if (other.name != tag || other.checkpoint == checkpoint) continue;
        if (!TRY(is_of_process(transaction, other, info.process))) continue;
        if (!moves) return tag_taken(tag, other.checkpoint);
        TRY(transaction.erase(kFamily, key_of_tag(other.checkpoint, tag)));
    }
    ByteWriter writer;
    writer.put(checkpoint);
    writer.put_sized(tag);
    return transaction.put(kFamily, key_of_tag(checkpoint, tag), seal(writer.view()));
}

Result<void> erase_tag(WriteTransaction& transaction, Version checkpoint, const std::string& tag) {
    TRY(check_tag(tag));
    if (TRY(transaction.erase(kFamily, key_of_tag(checkpoint, tag)))) return {};
    return no_tag(tag, checkpoint);
}

Result<void> erase_tags_of(WriteTransaction& transaction, Version checkpoint) {
    for (const std::string& tag : TRY(tags_of(transaction, checkpoint)))
        TRY(transaction.erase(kFamily, key_of_tag(checkpoint, tag)));
    return {};
}

Result<std::vector<std::string>> tags_of(const Transaction& transaction, Version checkpoint) {
    std::vector<std::string> names;
    for (Tag& tag : TRY(tags_below(transaction, key_of_tag(checkpoint, ""))))
        names.push_back(std::move(tag.name));
    return names;
}

Result<void> read_tags(const Transaction& transaction, std::span<CheckpointInfo> checkpoints) {
    std::map<Version, std::vector<std::string>> names;
    for (Tag& tag : TRY(tags_below(transaction, as_bytes(kPrefix))))
        names[tag.checkpoint].push_back(std::move(tag.name));
    for (CheckpointInfo& info : checkpoints) {
        const auto found = names.find(info.id);
        if (found != names.end()) info.tags = found->second;
    }
    return {};
}

}  // namespace sojourn::store
