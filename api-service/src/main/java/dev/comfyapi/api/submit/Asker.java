package dev.comfyapi.api.submit;

/// Who sends a request, and whether in earnest.
///
/// @param tenant whose files it may name
/// @param stores whether what it brings along may be stored; false for a preflight
record Asker(int tenant, boolean stores) {

    static Asker submitting(int tenant) {
        return new Asker(tenant, true);
    }

    static Asker trying(int tenant) {
        return new Asker(tenant, false);
    }
}
