//! What every image needs to come back from a bad boot by itself, whoever wrote its recipe.

use super::Recipe;
use crate::Arch;

impl Recipe {
    /// The command line for `arch`, in the words the init of the initramfs reads; `more` comes last.
    ///
    /// The words that a rollback needs come first, so that of two values the recipe's counts.
    pub fn cmdline(&self, arch: Arch, more: &str) -> String {
        let own = format!("updog.fstype=erofs updog.init={}", self.init);
        let extra = self.on.get(&arch).map_or("", |extra| extra.cmdline.as_str());
        let given: Vec<&str> =
            [&*self.cmdline, extra, &*own, more].iter().flat_map(|text| text.split_whitespace()).collect();
        // One that the recipe repeats stays where it has it; what follows `--` is not the kernel's.
        let repeated =
            |word: &&str| given.iter().take_while(|given| **given != "--").any(|given| given == word);
        let needed = NEEDED.into_iter().filter(|word| !repeated(word));
        needed.chain(given.iter().copied()).collect::<Vec<_>>().join(" ")
    }

    /// Whether a module is named that is known to drive a watchdog.
    pub fn has_watchdog(&self, arch: Arch) -> bool {
        let named = [self.modules(arch), self.root_modules(arch)];
        named.iter().flatten().any(|name| WATCHDOGS.contains(&&*name.replace('-', "_")))
    }
}

/// A panic, a hang and a damaged primary table end in a restart or are lived with (design §3, P4).
const NEEDED: [&str; 4] = ["panic=10", "softlockup_panic=1", "hung_task_panic=1", "gpt"];

/// Those of machines and hypervisors, and the kernel's own.
const WATCHDOGS: [&str; 19] = [
    "softdog",
    "i6300esb",
    "iTCO_wdt",
    "sbsa_gwdt",
    "sp5100_tco",
    "wdat_wdt",
    "ipmi_watchdog",
    "hpwdt",
    "mei_wdt",
    "intel_oc_wdt",
    "xen_wdt",
    "sp805_wdt",
    "dw_wdt",
    "bcm2835_wdt",
    "imx2_wdt",
    "arm_smc_wdt",
    "f71808e_wdt",
    "it87_wdt",
    "w83627hf_wdt",
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn recipe(cmdline: &str) -> Recipe {
        let text = format!(
            "variant = \"v\"\narch = [\"x86_64\"]\ninit = \"/i\"\ncmdline = \"{cmdline}\"\n\
             [kernel]\npackage = {{ x86_64 = \"k\" }}\nmodules = [\"iTCO-wdt\"]\n\
             [size]\nboot = \"1M\"\nroot = \"1M\"\nhash = \"1M\"\n"
        );
        Recipe::parse(&text, Path::new("v.toml")).unwrap()
    }

    #[test]
    fn the_words_of_a_rollback_are_there_once_and_a_recipe_wins() {
        let end = "updog.fstype=erofs updog.init=/i";
        let cases = [
            ("", "panic=10 softlockup_panic=1 hung_task_panic=1 gpt"),
            ("quiet", "panic=10 softlockup_panic=1 hung_task_panic=1 gpt quiet"),
            ("gpt panic=10", "softlockup_panic=1 hung_task_panic=1 gpt panic=10"),
            ("panic=3", "panic=10 softlockup_panic=1 hung_task_panic=1 gpt panic=3"),
            ("panic=0 panic=10", "softlockup_panic=1 hung_task_panic=1 gpt panic=0 panic=10"),
        ];
        for (given, expected) in cases {
            assert_eq!(recipe(given).cmdline(Arch::X86_64, ""), format!("{expected} {end}"), "{given}");
        }
        let after = recipe("-- gpt").cmdline(Arch::X86_64, "");
        assert!(after.contains("hung_task_panic=1 gpt -- gpt"), "{after}");
    }

    #[test]
    fn a_watchdog_is_known_with_either_dash() {
        let mut recipe = recipe("");
        assert!(recipe.has_watchdog(Arch::X86_64));
        recipe.kernel.modules.clear();
        assert!(!recipe.has_watchdog(Arch::X86_64));
    }
}
