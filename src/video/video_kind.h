#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace retinaface::video {

/// Whether a file's name ends as those of videos do: .mp4, .mkv, .avi and so on.
bool has_video_name(const std::filesystem::path& path);

/// Whether a file that starts with these bytes is a video, by the marks of the containers that are
/// in use. kVideoMarkBytes of them are enough.
bool is_video(std::span<const std::byte> beginning);
inline constexpr std::size_t kVideoMarkBytes = 377;  // MPEG transport streams: three packets' marks

/// Whether a file that starts with these bytes is a row of JPEG images without a container, which
/// only its name tells from one image: .mjpeg or .mjpg.
bool is_motion_jpeg(const std::filesystem::path& path, std::span<const std::byte> beginning);

/// Whether the name is an address of a stream, "rtsp://..." or "https://...".
bool is_stream(const std::string& name);

/// Whether the path is that of a camera: /dev/video0, or a device of Video4Linux under any name.
bool is_camera(const std::filesystem::path& path);

}  // namespace retinaface::video
