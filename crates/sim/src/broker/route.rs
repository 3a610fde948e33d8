//! The routes of a broker and their names.

/// Writes a broker's `Route`.
macro_rules! routes {
    ($about:literal: $($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        #[doc = $about]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Route {
            $($(#[$doc])* $variant,)+
        }

        impl Route {
            /// All routes.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name of the route in scripts and records.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl From<Route> for $crate::Matcher {
            fn from(route: Route) -> Self {
                Self::route(route.name())
            }
        }

        #[cfg(test)]
        #[test]
        fn every_route_has_the_name_that_scripts_use() {
            for route in Route::ALL {
                let text = format!("{:?}", route.name());
                assert_eq!(serde_json::from_str::<Route>(&text).unwrap(), *route);
            }
        }
    };
}

pub(crate) use routes;
