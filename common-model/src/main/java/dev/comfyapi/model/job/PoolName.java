package dev.comfyapi.model.job;

import java.util.regex.Pattern;

/// What a pool of workers may be called.
public final class PoolName {

    public static final int LONGEST = 63;

    /// The same as in the database.
    public static final String PATTERN = "[A-Za-z0-9][A-Za-z0-9._-]{0,62}";

    private static final Pattern FORM = Pattern.compile(PATTERN);

    private PoolName() {}

    public static boolean isValid(String name) {
        return FORM.matcher(name).matches();
    }
}
