package dev.comfyapi.model.generation;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// Samplers and schedulers by the names ComfyUI 0.33 has, and by the names other tools gave them.
///
/// A fleet may know more (newer versions, custom nodes): what its workers report is accepted as
/// well.
public final class SamplerNames {

    public static final Set<String> SAMPLERS =
            new TreeSet<>(
                    List.of(
                            ("euler euler_cfg_pp euler_ancestral euler_ancestral_cfg_pp heun"
                                            + " heunpp2 exp_heun_2_x0 exp_heun_2_x0_sde dpm_2"
                                            + " dpm_2_ancestral lms dpm_fast dpm_adaptive"
                                            + " dpmpp_2s_ancestral dpmpp_2s_ancestral_cfg_pp dpmpp_sde"
                                            + " dpmpp_sde_gpu dpmpp_2m dpmpp_2m_cfg_pp dpmpp_2m_sde"
                                            + " dpmpp_2m_sde_gpu dpmpp_2m_sde_heun"
                                            + " dpmpp_2m_sde_heun_gpu dpmpp_3m_sde dpmpp_3m_sde_gpu"
                                            + " ddpm lcm ipndm ipndm_v deis res_multistep"
                                            + " res_multistep_cfg_pp res_multistep_ancestral"
                                            + " res_multistep_ancestral_cfg_pp gradient_estimation"
                                            + " gradient_estimation_cfg_pp er_sde seeds_2 seeds_3"
                                            + " sa_solver sa_solver_pece ddim uni_pc uni_pc_bh2")
                                    .split(" ")));

    public static final Set<String> SCHEDULERS =
            new TreeSet<>(
                    List.of(
                            "simple",
                            "sgm_uniform",
                            "karras",
                            "exponential",
                            "ddim_uniform",
                            "beta",
                            "normal",
                            "linear_quadratic",
                            "kl_optimal"));

    private static final Pattern PREFIXED = Pattern.compile("^k(euler|heun|dpm|lms)");

    /// A sampler, and the scheduler its foreign name implies; null when it implies none.
    public record Choice(String sampler, @org.jspecify.annotations.Nullable String scheduler) {}

    /// Names of other tools and libraries, simplified, that are more than another spelling.
    private static final Map<String, String> FOREIGN =
            Map.ofEntries(
                    Map.entry("eulera", "euler_ancestral"),
                    Map.entry("eulerdiscrete", "euler"),
                    Map.entry("eulerancestraldiscrete", "euler_ancestral"),
                    Map.entry("heundiscrete", "heun"),
                    Map.entry("lmsdiscrete", "lms"),
                    Map.entry("dpm2a", "dpm_2_ancestral"),
                    Map.entry("dpm2discrete", "dpm_2"),
                    Map.entry("dpm2ancestraldiscrete", "dpm_2_ancestral"),
                    Map.entry("dpmpp2sa", "dpmpp_2s_ancestral"),
                    Map.entry("dpmsolvermultistep", "dpmpp_2m"),
                    Map.entry("dpmsolverpp", "dpmpp_2m"),
                    Map.entry("dpmsolversde", "dpmpp_sde"),
                    Map.entry("unipcmultistep", "uni_pc"));

    private static final Map<String, Choice> ALIASES = aliases();

    private SamplerNames() {}

    /// Finds what ComfyUI calls this sampler. Spelling is forgiven: case, blanks, `-`, `++` for
    /// `pp`, a leading `k_`.
    ///
    /// @param known what the fleet reports; may be empty
    public static Optional<Choice> sampler(String name, Set<String> known) {
        if (SAMPLERS.contains(name) || known.contains(name)) {
            return Optional.of(choice(name));
        }
        return Optional.ofNullable(ALIASES.get(simplified(name)));
    }

    /// Finds what ComfyUI calls this scheduler.
    ///
    /// @param known what the fleet reports; may be empty
    public static Optional<String> scheduler(String name, Set<String> known) {
        if (SCHEDULERS.contains(name) || known.contains(name)) {
            return Optional.of(name);
        }
        return switch (simplified(name)) {
            case "karras" -> Optional.of("karras");
            case "exponential" -> Optional.of("exponential");
            case "sgmuniform" -> Optional.of("sgm_uniform");
            case "simple" -> Optional.of("simple");
            case "normal", "uniform", "automatic" -> Optional.of("normal");
            case "ddim", "ddimuniform" -> Optional.of("ddim_uniform");
            case "beta" -> Optional.of("beta");
            case "kloptimal" -> Optional.of("kl_optimal");
            case "linearquadratic" -> Optional.of("linear_quadratic");
            default -> Optional.empty();
        };
    }

    /// LCM was distilled for one scheduler; others leave it blurred.
    private static Choice choice(String sampler) {
        return new Choice(sampler, sampler.equals("lcm") ? "sgm_uniform" : null);
    }

    private static String simplified(String name) {
        var plain =
                name.toLowerCase(Locale.ROOT)
                        .replace("plus_plus", "pp")
                        .replace("++", "pp")
                        .replaceAll("[ _()-]", "");
        return PREFIXED.matcher(plain).find() ? plain.substring(1) : plain;
    }

    private static Map<String, Choice> aliases() {
        var aliases = new TreeMap<String, Choice>();
        for (var name : SAMPLERS) {
            aliases.put(simplified(name), choice(name));
        }
        FOREIGN.forEach((foreign, name) -> aliases.put(foreign, choice(name)));
        for (var plain : Map.copyOf(aliases).entrySet()) {
            for (var scheduler : List.of("karras", "exponential", "sgm_uniform", "beta")) {
                aliases.putIfAbsent(
                        plain.getKey() + simplified(scheduler),
                        new Choice(plain.getValue().sampler(), scheduler));
            }
        }
        // Replicate's name of what others call DPM++ 2M Karras.
        aliases.put("karrasdpm", new Choice("dpmpp_2m", "karras"));
        return Map.copyOf(aliases);
    }
}
