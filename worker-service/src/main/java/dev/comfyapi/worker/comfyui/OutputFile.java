package dev.comfyapi.worker.comfyui;

/// A file that a node of a finished prompt reported. Names are as ComfyUI gave them: to be checked
/// before use.
///
/// @param nodeId the node that made it
/// @param type `output` (kept), `temp` (preview) or `input`
public record OutputFile(String nodeId, String filename, String subfolder, String type) {

    private static final int LONGEST_NAME = 255;

    /// Whether it is meant to be kept.
    public boolean isOutput() {
        return type.equals("output");
    }

    /// Whether the names stay inside ComfyUI's output folder. A node may report anything.
    public boolean isSafe() {
        return isPlainName(filename)
                && (subfolder.isEmpty() || areFolders(subfolder.replace('\\', '/')));
    }

    private static boolean areFolders(String path) {
        for (var folder : path.split("/", -1)) {
            if (!isPlainName(folder)) {
                return false;
            }
        }
        return true;
    }

    /// ComfyUI itself refuses two dots anywhere in a name.
    private static boolean isPlainName(String name) {
        return !name.isEmpty()
                && name.length() <= LONGEST_NAME
                && !name.equals(".")
                && !name.contains("..")
                && name.chars().noneMatch(c -> c < ' ' || c == '/' || c == '\\' || c == ':');
    }
}
